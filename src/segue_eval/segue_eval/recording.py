"""A lockstep episode recorded with the topics and types of the ROS graph, so that one report reads both."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.lockstep import LockstepRobot
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState
from segue_core.wire import chunk_fields, info_fields
from segue_core.world import Plant
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.messages import build, compressed_image, header, robot_command, task_state
from segue_data.bags.qos import RELIABLE, SENSOR
from segue_data.bags.reader import NANOSECONDS
from segue_data.bags.topic import Topic
from segue_data.bags.topics import SIM_STATE, SIM_STATE_TYPE, image_topic
from segue_data.storage.atomic import write_text
from segue_eval.build import Runner, Setup, SimulatedRunner
from segue_eval.report import write_run_report
from segue_eval.report.bag import COMMAND, INPUT, POLICY_INFO, PROGRESS, SAFETY, STATE, TASK
from segue_eval.result import EpisodeResult
from segue_scheduler.tick import TickInput, TickOutput
from segue_scheduler.wire import input_fields, progress_fields, state_fields

_TYPES = {
    STATE: "segue_interfaces/msg/SchedulerState",
    COMMAND: "segue_interfaces/msg/RobotCommand",
    INPUT: "segue_interfaces/msg/SchedulerInput",
    TASK: "segue_interfaces/msg/TaskState",
    PROGRESS: "segue_interfaces/msg/Progress",
    SAFETY: "segue_interfaces/msg/SafetyState",
    SIM_STATE: SIM_STATE_TYPE,
    POLICY_INFO: "segue_interfaces/msg/PolicyInfo",
}
_CHUNK = "segue_interfaces/msg/ActionChunk"
_RUN = "lockstep"
_SAFETY_EVERY = 3  # ticks: 10 Hz, as the controller node publishes it


def _topics(cameras: tuple[str, ...]) -> dict[str, Topic]:
    images = {image_topic(name): Topic("sensor_msgs/msg/CompressedImage", SENSOR) for name in cameras}
    return {name: Topic(kind, RELIABLE) for name, kind in _TYPES.items()} | images


def _safety(stamp: int, counts: Mapping[str, int]) -> Any:
    values = np.array(list(counts.values()), dtype=np.uint32)
    return build(
        "segue_interfaces/msg/SafetyState",
        header=header(stamp),
        armed=True,
        count_names=list(counts),
        counts=values,
    )


class LockstepRecorder:
    """Writes every tick of an episode to a bag; pass it to `run_episode` as `on_tick`, then call `finish`."""

    def __init__(
        self,
        bag: Path,
        plant: Plant,
        robot: LockstepRobot,
        continuation: str,
        task: str,
        seed: int,
        info: PolicyInfo | None = None,
    ) -> None:
        self._writer = EpisodeWriter(bag, _topics(tuple(robot.cameras)), wait=True)
        self._plant, self._robot, self._continuation = plant, robot, continuation
        self._task, self._seed = task, seed
        self._codec, self._source = ImageCodec(), info.name if info else ""
        self._starved = 0
        if info is not None:
            self._write(POLICY_INFO, 0, build(_TYPES[POLICY_INFO], **info_fields(info, info.name)))

    def __call__(self, inputs: TickInput, output: TickOutput) -> None:
        """Record one tick: images, what went into the scheduler, and what came out."""
        stamp = round(inputs.tick * NANOSECONDS / self._robot.tick_rate_hz)
        self._starved += output.starved
        for name, image in self._plant.images().items():
            message = compressed_image(stamp, name, self._codec.encode(image), self._codec.label)
            self._write(image_topic(name), stamp, message)
        if (values := self._plant.world_state()) is not None:
            self._write(SIM_STATE, stamp, self._world(stamp, values))
        self._write(INPUT, stamp, self._input(stamp, inputs))
        state = state_fields(output, self._starved, self._continuation, _RUN)
        self._write(STATE, stamp, build(_TYPES[STATE], header=header(stamp), **state))
        flags = {"starved": output.starved, "hold": output.hold}
        space, added = self._robot.action_space, output.correction
        command = robot_command(stamp, output.tick, output.action, space, _RUN, correction=added, **flags)
        self._write(COMMAND, stamp, command)
        for fields in progress_fields(inputs, output, self._source):
            self._write(PROGRESS, stamp, build(_TYPES[PROGRESS], header=header(stamp), **fields))
        if inputs.tick % _SAFETY_EVERY == 0 or output.outcome is not None:
            self._write(SAFETY, stamp, _safety(stamp, self._plant.interventions()))
        if inputs.task is not None:
            self._write(TASK, stamp, self._task_state(stamp, inputs.task))

    def _input(self, stamp: int, inputs: TickInput) -> Any:
        """Everything that the scheduler was given, so that the run can be replayed from it."""
        given = {} if inputs.task is None else {"task": self._task_state(stamp, inputs.task)}
        space = self._robot.action_space
        chunks = [build(_CHUNK, **chunk_fields(chunk, space)) for chunk in inputs.chunks]
        fields = input_fields(inputs, _RUN) | given
        return build(_TYPES[INPUT], header=header(stamp), chunks=chunks, **fields)

    def _world(self, stamp: int, values: NDArray[np.float64]) -> Any:
        """Everything about the world, for who draws it afterwards."""
        return build(
            SIM_STATE_TYPE, header=header(stamp), task=self._task, seed=self._seed, values=np.array(values)
        )

    def _task_state(self, stamp: int, state: TaskState) -> Any:
        return task_state(stamp, self._task, self._seed, state)

    def _write(self, topic: str, stamp: int, message: Any) -> None:
        self._writer.write_message(topic, stamp, message)

    def finish(self, result: EpisodeResult) -> Path:
        """Close the bag; returns its folder. Raises DataError when writing failed."""
        outcome = "success" if result.success else "failure"
        return self._writer.finish(
            Manifest(
                task=self._task,
                robot=self._robot.name,
                seed=self._seed,
                outcome=outcome,
                reason=result.reason,
            )
        )

    def abandon(self) -> None:
        """Throw the recording away."""
        self._writer.abandon()


def record_seed(
    runner: Runner, robot: LockstepRobot, setup: Setup, seed: int, run_dir: Path
) -> Mapping[str, object]:
    """Run `seed` once more, filmed, and write its run folder and report; returns the report's metrics."""
    continuation = runner.config.continuation
    recorder = LockstepRecorder(
        run_dir / "bag", runner.plant, robot, continuation, setup.task, seed, runner.policy_info
    )
    try:
        result = runner(seed, on_tick=recorder)
    except BaseException:
        recorder.abandon()
        raise
    recorder.finish(result)
    facts = {
        "seed": seed,
        "task": setup.task,
        "policy": setup.policy,
        "robot": robot.name,
        "sim": "mujoco (lockstep)",
    }
    write_text(run_dir / "result.json", json.dumps(facts | {"success": result.success}) + "\n")
    write_text(run_dir / "config.yaml", json.dumps(setup.to_dict(), indent=2) + "\n")
    return write_run_report(run_dir)


def best_and_worst(results: Sequence[EpisodeResult]) -> tuple[int, int]:
    """Seeds of the episode with the highest score (then the shortest) and of the one at the other end."""
    ranked = sorted(results, key=lambda result: (-result.score, result.ticks, result.seed))
    return ranked[0].seed, ranked[-1].seed


def seeds_to_film(results: Sequence[EpisodeResult], failures: int) -> list[int]:
    """The best, the worst, and at most so many more that failed, in the order of their seeds."""
    failed = [result.seed for result in results if not result.success]
    chosen = list(dict.fromkeys(best_and_worst(results)))
    return chosen + [seed for seed in failed if seed not in chosen][:failures]


def film_seeds(setup: Setup, results: Sequence[EpisodeResult], folder: Path, failures: int = 0) -> list[Path]:
    """Record `seeds_to_film` with their reports; returns the folders `folder`/seed-<n>."""
    runner, (robot, _) = SimulatedRunner(setup)(), setup.contracts()
    folders = []
    for seed in seeds_to_film(results, failures):
        target = folder / f"seed-{seed}"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        record_seed(runner, robot, setup, seed, target)
        folders.append(target)
    return folders
