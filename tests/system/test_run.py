"""The whole graph, started by the command line, does an episode and leaves what it promises."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message

from segue_core.exit_status import ExitStatus
from segue_core.scheduler_config import SchedulerConfig
from segue_core.wire import info_of
from segue_data.bags.reader import first_stamp_ns, read, receipt_times
from segue_eval.bench import live
from segue_interfaces.msg import PolicyInfo, RobotCommand, SchedulerInput
from segue_scheduler.replay import Recording, commands, replay
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.wire import input_of

from .conftest import ROOT, STARVED, Done, processes_of, run_unhurried

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

SHIPPED = ROOT / "config" / "checkpoints" / "legato_pick_place" / "weights.safetensors"
SEED = 3


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One episode: the shipped policy when there is one, else one that holds still."""
    policy = () if SHIPPED.is_file() else ("policy:=hold", "time_limit_s:=5")
    return run_unhurried(tmp_path_factory.mktemp("runs"), *policy, "--seed", str(SEED))


@pytest.fixture(scope="module")
def folder(done: Done) -> Path:
    """The run folder of that episode."""
    return Path(done.told["run"])


def test_the_episode_ends_by_a_rule_of_the_task_not_by_a_fault(done: Done) -> None:
    assert done.status in (ExitStatus.SUCCESS, ExitStatus.TASK_FAILED), done.output
    assert done.told["rule"] in ("task_detector", "time_limit")
    assert (done.told["outcome"] == "success") == done.told["success"] == (done.status == 0)


def test_scripts_are_told_what_they_need(done: Done) -> None:
    needed = {"success", "outcome", "reason", "seed", "starved_ticks", "episode_s", "metrics"}
    assert needed <= done.told.keys()
    assert done.told["seed"] == SEED
    assert done.told["episode_s"] > 1.0


def test_no_tick_is_starved_or_the_result_says_so(done: Done) -> None:
    assert done.told["starved_ticks"] == done.told["metrics"]["starved_ticks"]
    assert done.told["starved_ticks"] <= STARVED * done.told["metrics"]["ticks"], done.output


def test_the_run_folder_has_bag_video_report_metrics_and_configuration(folder: Path) -> None:
    for name in ("config.yaml", "result.json", "metrics.json", "report.html", "episode.mp4"):
        assert (folder / name).stat().st_size > 100, name
    assert len(list(folder.rglob("*.mcap"))) == len(list(folder.rglob("metadata.yaml"))) == 1
    assert {path.stem for path in (folder / "logs").iterdir()} >= {"simulator", "policy", "scheduler"}


def test_the_bag_is_logged_in_the_time_of_its_stamps_and_holds_the_clock(folder: Path) -> None:
    bag = next(folder.rglob("metadata.yaml")).parent
    late = [
        record.log_ns - first_stamp_ns(record.data)
        for record in read(bag, frozenset({"/clock", "/joint_states"}))
    ]
    assert abs(np.array(late)).max() <= 2e9 / 30 and late.count(0) >= 30
    received_s = np.array(receipt_times(bag, "/joint_states")) / 1e9
    assert (np.diff(received_s) >= 0).all() and 0 < time.time() - received_s[-1] < 3600


def test_no_process_is_left(folder: Path) -> None:
    assert processes_of(folder.parent) == {}


def test_replaying_the_recorded_inputs_gives_byte_identical_commands(done: Done, folder: Path) -> None:
    bag = next(folder.rglob("metadata.yaml")).parent
    wanted = {
        "/segue/scheduler_input": SchedulerInput,
        "/segue/command": RobotCommand,
        "/segue/policy_info": PolicyInfo,
    }
    found: dict[str, list[Any]] = {topic: [] for topic in wanted}
    for record in read(bag, frozenset(wanted)):
        found[record.topic].append(deserialize_message(record.data, wanted[record.topic]))
    live = {message.tick: np.array(message.action) for message in found["/segue/command"]}
    inputs = [input_of(message) for message in found["/segue/scheduler_input"]]
    info = info_of(found["/segue/policy_info"][-1])
    outputs = replay(_scheduler(done, info), Recording(inputs[0].tick, inputs[0].measured, inputs))
    assert len(inputs) == int(done.told["metrics"]["ticks"]) > 30
    assert [output.tick for output in outputs] == sorted(live)
    assert commands(outputs).tobytes() == np.stack([live[output.tick] for output in outputs]).tobytes()


def test_a_live_run_commands_what_lockstep_would(done: Done, folder: Path) -> None:
    alive, lockstep = live.compare([folder])
    assert done.told["metrics"]["skipped_ticks"] == 0
    assert alive.interventions <= 1.5 * lockstep.interventions + 20, live.table([alive, lockstep])
    assert alive.acceleration <= 1.3 * lockstep.acceleration, live.table([alive, lockstep])
    assert alive.jerk <= 1.6 * lockstep.jerk, live.table([alive, lockstep])
    assert alive.peak <= 1.0 + 1e-6


def _scheduler(done: Done, info: Any) -> ChunkScheduler:
    """Built from what the run folder says, as anybody would who replays it."""
    given = done.told["arguments"]
    config = SchedulerConfig(
        continuation=given["continuation"],
        horizon=info.horizon,
        stride=given["stride"],
        delay=given["delay"],
        delay_mode=given["delay_mode"],
        ramp=None if given["ramp"] < 0 else given["ramp"],
        time_limit_s=given["time_limit_s"] or 45.0,
    )
    return ChunkScheduler(config, info.action_space, info, SEED)
