"""Laws of what a policy is shown and told, in lockstep and on a recording."""

import json
from pathlib import Path

import numpy as np

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_eval.build import Runner, Setup
from segue_eval.compare.cameras import RecordedCameras
from segue_eval.compare.recorded import read_recorded
from segue_eval.compare.rerun import Setting, rerun
from segue_eval.recording import LockstepRecorder
from segue_eval.report.write import find_bag
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import RememberingPolicy

SETUP = Setup(
    "pick_place",
    "waving",
    "",
    scheduler={"time_limit_s": 2.0, "stride": 14, "ramp": 20, "continuation": "legato"},
)


def shown(policy: RememberingPolicy) -> list[list[int]]:
    return [[seen.tick for seen in request.observations] for request in policy.requests]


def test_a_policy_is_shown_and_told_the_same_in_lockstep_and_on_the_recording(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, tmp_path: Path
) -> None:
    policy = RememberingPolicy()
    recorder = LockstepRecorder(tmp_path / "bag", plant, robot, "legato", task.name, 5, policy.info)
    result = Runner(robot, task, policy, plant, SETUP)(5, on_tick=recorder)
    recorder.finish(result)
    (tmp_path / "config.yaml").write_text(json.dumps(SETUP.to_dict()))
    assert shown(policy)[:2] == [[0, 0, 0], [0, 20, 22]]
    assert [tick for tick, _ in policy.told] == list(range(0, result.ticks - 1, 4))
    executed = np.concatenate([rows for _, rows in policy.told])
    np.testing.assert_array_equal(executed, result.actions[: len(executed)].astype(np.float32))

    run, again = read_recorded(find_bag(tmp_path)), RememberingPolicy()
    assert run.info == policy.info
    rerun(Setting(run, RecordedCameras(run.bag, policy.info)), "legato", again, tmp_path)
    assert shown(again) == shown(policy)
    for (tick, rows), (told_at, told) in zip(policy.told, again.told, strict=False):
        assert tick == told_at
        np.testing.assert_array_equal(rows, told)
    for one, other in zip(policy.requests, again.requests, strict=True):
        assert one.instruction == other.instruction == task.instruction != ""
        np.testing.assert_array_equal(one.reference, other.reference)
        states = [[seen.state for seen in request.observations] for request in (one, other)]
        np.testing.assert_array_equal(*states)


def test_an_imagined_branch_leaves_the_memory_as_it_was() -> None:
    policy = RememberingPolicy()
    policy.told = [(0, np.zeros((4, 14), np.float32))]
    policy.fork().told.append((4, np.ones((4, 14), np.float32)))
    assert len(policy.told) == 1
