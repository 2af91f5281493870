"""Laws of A/B from one bag: a recorded run replays bit for bit, continuations see equal observations."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError, SchedulerError
from segue_core.policy import PredictRequest, PredictResult
from segue_data.contracts import config_folder
from segue_eval.build import Runner, Setup
from segue_eval.cli import main
from segue_eval.compare.cameras import RecordedCameras
from segue_eval.compare.outcome import Comparison
from segue_eval.compare.recorded import RecordedRun, read_recorded
from segue_eval.compare.rerun import Setting, rerun
from segue_eval.compare.verify import verify
from segue_eval.recording import LockstepRecorder
from segue_eval.report.write import find_bag
from segue_eval.result import EpisodeResult
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import TellingEstimator, WavingPolicy
from segue_scheduler.replay import Joint

SETUP = Setup(
    "pick_place",
    "waving",
    "",
    scheduler={"time_limit_s": 2.0, "stride": 14, "ramp": 20, "continuation": "legato"},
)


@pytest.fixture(scope="module")
def played(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EpisodeResult]:
    """Run folder of two recorded seconds with several seams, and their result."""
    folder = tmp_path_factory.mktemp("played")
    policy = WavingPolicy()
    recorder = LockstepRecorder(folder / "bag", plant, robot, "legato", task.name, 5, policy.info)
    result = Runner(robot, task, policy, plant, SETUP)(5, on_tick=recorder)
    recorder.finish(result)
    (folder / "config.yaml").write_text(json.dumps(SETUP.to_dict()))
    (folder / "result.json").write_text('{"seed": 5}')
    return folder, result


@pytest.fixture
def run(played: tuple[Path, EpisodeResult]) -> RecordedRun:
    return read_recorded(find_bag(played[0]))


def test_the_overlaps_of_a_recorded_run_are_those_of_the_episode(
    run: RecordedRun, played: tuple[Path, EpisodeResult]
) -> None:
    assert np.mean(run.overlaps) == pytest.approx(played[1].overlap_motion)


def test_a_recorded_run_replays_bit_for_bit(run: RecordedRun, played: tuple[Path, EpisodeResult]) -> None:
    found = verify(run)
    assert found.identical
    assert found.ticks == found.compared == played[1].ticks
    assert found.seams == len(played[1].seams) >= 4
    assert run.commands().tobytes() == played[1].actions.tobytes()


def test_a_run_that_an_estimator_ended_replays_to_the_same_end(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, tmp_path: Path
) -> None:
    policy, scheduler = WavingPolicy(), {**SETUP.scheduler, "termination": ("progress_threshold",)}
    setup = replace(SETUP, scheduler=scheduler | {"time_limit_s": 8.0})
    recorder = LockstepRecorder(tmp_path / "bag", plant, robot, "legato", task.name, 5, policy.info)
    result = Runner(robot, task, policy, plant, setup, TellingEstimator(60, (task.instruction,)))(
        5, on_tick=recorder
    )
    recorder.finish(result)
    (tmp_path / "config.yaml").write_text(json.dumps(setup.to_dict()))
    (tmp_path / "result.json").write_text('{"seed": 5}')
    run = read_recorded(find_bag(tmp_path))
    assert result.rule == "progress_threshold"
    assert verify(run).identical
    silent = replace(run.recording, inputs=[replace(one, estimate=None) for one in run.recording.inputs])
    assert not verify(replace(run, recording=silent)).identical


def test_one_bit_of_one_command_is_found_at_its_tick(run: RecordedRun) -> None:
    tick = run.ticks[40]
    action = run.witnesses[tick].action.copy()
    action[3] = np.nextafter(action[3], np.inf)
    changed = dict(run.witnesses) | {tick: replace(run.witnesses[tick], action=action)}
    found = verify(replace(run, witnesses=changed))
    assert not found.identical
    assert [(difference.tick, difference.what) for difference in found.found] == [(tick, "command")]


def test_a_seam_phase_or_starvation_that_differs_is_found(run: RecordedRun) -> None:
    tick, witness = next((t, w) for t, w in run.witnesses.items() if w.joint)
    changes: Mapping[str, object] = {"joint": Joint(9, 0, 8, 8, 0.0), "phase": "holding", "starved": True}
    for what, value in changes.items():
        changed = dict(run.witnesses) | {tick: replace(witness, **{what: value})}  # type: ignore[arg-type]
        assert [d.tick for d in verify(replace(run, witnesses=changed)).found] == [tick]


def test_another_configuration_does_not_replay(run: RecordedRun) -> None:
    settings = replace(run.settings, scheduler=dict(run.settings.scheduler) | {"stride": 20})
    assert not verify(replace(run, settings=settings)).identical


def test_every_continuation_sees_the_same_observations_of_its_requests(run: RecordedRun) -> None:
    seen = {}
    for continuation in ("naive_async", "legato", "rtc"):
        policy = WavingPolicy()
        result = rerun(Setting(run, RecordedCameras(run.bag, policy.info)), continuation, policy, Path("c"))
        seen[continuation] = policy.requests
        assert [seam.delay for seam in result.seams] == [8] * len(result.seams)
        assert len(result.commands) == len(run.ticks)
    ticks = {
        continuation: [request.start_tick for request in requests] for continuation, requests in seen.items()
    }
    assert ticks["naive_async"] == ticks["legato"] == ticks["rtc"]
    for first, second in zip(seen["naive_async"], seen["rtc"], strict=True):
        assert np.array_equal(first.observation.state, second.observation.state)
        assert np.array_equal(first.observation.images["head"], second.observation.images["head"])


def test_a_rerun_with_the_recorded_continuation_and_the_same_answers_gives_the_recorded_commands(
    run: RecordedRun,
) -> None:
    policy = WavingPolicy()
    result = rerun(Setting(run, RecordedCameras(run.bag, policy.info)), "legato", policy, Path("c"))
    assert (
        np.abs(result.commands[:-1] - run.commands()[:-1]).max() < 1e-6
    )  # the last tick ended the recorded run


def test_a_continuation_that_the_policy_cannot_serve_is_refused_by_name(run: RecordedRun) -> None:
    class Plain(WavingPolicy):
        @property
        def info(self):  # type: ignore[no-untyped-def]
            return replace(super().info, capabilities=frozenset())

    policy = Plain()
    with pytest.raises(SchedulerError, match="cannot serve continuation 'rtc'"):
        rerun(Setting(run, RecordedCameras(run.bag, policy.info)), "rtc", policy, Path("c"))


def test_differences_are_paired_by_seam(run: RecordedRun) -> None:
    class Shaky(WavingPolicy):
        def predict(self, request: PredictRequest) -> PredictResult:
            chunk = super().predict(request).chunk
            offset = 0.01 * (request.sequence % 2) + 0.001 * request.sequence
            return PredictResult(replace(chunk, actions=chunk.actions + np.float32(offset)))

    results = []
    for continuation, policy in (("legato", WavingPolicy()), ("naive_async", Shaky())):
        results.append(
            rerun(Setting(run, RecordedCameras(run.bag, policy.info)), continuation, policy, Path("c"))
        )
    found = Comparison(run, tuple(results), {})
    assert found.base is results[0]
    difference = found.differences["naive_async"]["seam_jump_x1e3"]
    assert difference.estimate.count == len(results[0].seams) - 1
    assert difference.low > 0


def test_the_command_prints_a_line_per_continuation_and_writes_page_and_json(
    played: tuple[Path, EpisodeResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = config_folder() / "checkpoints" / "legato_pick_place"
    arguments = [
        "compare",
        str(played[0]),
        "--continuations",
        "naive_async,legato",
        "--checkpoint",
        str(shipped),
    ]
    assert main([*arguments, "--out", str(tmp_path), "--json", str(tmp_path / "c.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["recorded", "naive_async", "legato"]
    data = json.loads((tmp_path / "c.json").read_text())
    assert [continuation["continuation"] for continuation in data["continuations"]] == [
        "naive_async",
        "legato",
    ]
    assert data["against"] == "legato" and data["differences"]["naive_async"]["overlap_motion_x1e3"]["n"] >= 3
    page = (tmp_path / "compare.html").read_text()
    assert "src=" not in page and "href=" not in page and "Open loop" in page


def test_verify_has_its_own_exit_status(played: tuple[Path, EpisodeResult], tmp_path: Path) -> None:
    assert main(["compare", str(played[0]), "--verify", "--json", str(tmp_path / "v.json")]) == 0
    assert json.loads((tmp_path / "v.json").read_text())["identical"] is True
    copy = tmp_path / "run"
    shutil.copytree(played[0], copy)
    changed = json.loads((copy / "config.yaml").read_text())
    changed["scheduler"]["stride"] = 20
    (copy / "config.yaml").write_text(json.dumps(changed))
    assert main(["compare", str(copy), "--verify"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--continuations", "legatto"], ["legatto", "did you mean 'legato'"]),
        (["--checkpoint", "/nowhere"], ["no continuation could be run", "/nowhere"]),
    ],
)
def test_bad_arguments_are_refused_by_name(
    played: tuple[Path, EpisodeResult],
    arguments: list[str],
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compare", str(played[0]), *arguments]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words)
    assert error.count("What to do") == 1, "one reason for all of them was told for each"


def test_a_bag_without_a_run_is_refused(tmp_path: Path, recorded: tuple[Path, EpisodeResult]) -> None:
    with pytest.raises(DataError, match="/segue/policy_info"):  # recorded by an older recorder
        read_recorded(find_bag(recorded[0]))


def test_settings_of_a_graph_run_are_read_from_the_scheduler_nodes_parameters(tmp_path: Path) -> None:
    from segue_eval.compare.settings import find_settings

    bag = tmp_path / "run" / "bag" / "episode"
    bag.mkdir(parents=True)
    nodes = """
arguments: {robot: dual_arm, task: pick_place, checkpoint: /c}
nodes:
- name: policy
  parameters: {checkpoint: /c}
- name: scheduler
  parameters:
    {task: pick_place, continuation: rtc, continuation_options: "{ramp_kind: linear}", stride: 20, delay: 6, ramp: -1,
     termination: "stall, time_limit", rule_options: "", time_limit_s: 0.0, robot_file: /r, latency: measured}
"""
    (tmp_path / "run" / "config.yaml").write_text(nodes)
    found = find_settings(bag)
    assert found.scheduler == {
        "continuation": "rtc", "continuation_options": {"ramp_kind": "linear"}, "stride": 20, "delay": 6, "ramp": None,
        "termination": ("stall", "time_limit"), "rule_options": {}, "time_limit_s": 45.0,
    }  # fmt: skip
    assert (found.task, found.checkpoint) == ("pick_place", "/c")
