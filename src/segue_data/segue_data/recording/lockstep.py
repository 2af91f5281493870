"""One scripted demonstration in lockstep with the simulator, written as a live recorder would write it.

tick k at k/30 s     render, joint state, expert's action -> bag
then 4 controller updates of 1/120 s, each applied to the simulator and followed by a joint state
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from segue_control.lockstep import step
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.task_state import TaskState
from segue_data.bags import messages
from segue_data.bags.encoding import ImageCodec
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest
from segue_data.bags.topics import (
    COMMAND,
    DISTURBED_COMMAND,
    JOINT_STATES,
    TASK_STATE,
    demonstration_topics,
    image_topic,
)
from segue_data.recording.stage import Demonstration
from segue_sim.disturbance import DisturbanceConfig
from segue_sim.disturbed_actions import DisturbedActions


@dataclass(frozen=True)
class RecordingOptions:
    """How demonstrations are recorded."""

    codec: ImageCodec = field(default_factory=ImageCodec)
    disturbance: DisturbanceConfig | None = None
    settle_ticks: int = 10  # ticks still recorded after the expert is done, so that policies learn to stop


class _Recorder:
    """Writes what one tick shows; keeps the encoders and names of an episode."""

    def __init__(self, writer: EpisodeWriter, stage: Demonstration, seed: int, codec: ImageCodec) -> None:
        self._writer = writer
        self._stage, self._seed = stage, seed
        self._world = stage.world
        self._codec = codec
        robot = stage.robot
        self._names = (*robot.joint_names, *robot.gripper_names, *robot.finger_names)

    def images(self, stamp: int) -> None:
        for camera, image in self._world.render().items():
            data = self._codec.encode(image)
            frame = f"{camera}_camera_optical_frame"
            message = messages.compressed_image(stamp, frame, data, self._codec.label)
            self._writer.write_message(image_topic(camera), stamp, message)

    def joints(self, stamp: int) -> None:
        world = self._world
        fingers, speeds = world.finger_positions()
        openings = world.gripper_positions()
        position = np.concatenate([world.joint_positions(), openings, fingers])
        velocity = np.concatenate([world.joint_velocities(), np.zeros_like(openings), speeds])
        message = messages.joint_state(stamp, self._names, position, velocity)
        self._writer.write_message(JOINT_STATES, stamp, message)

    def command(self, topic: str, stamp: int, tick: int, action: Floats) -> None:
        space = self._stage.robot.action_space
        message = messages.robot_command(stamp, tick, action, space, f"demonstration-{self._seed}")
        self._writer.write_message(topic, stamp, message)

    def task(self, stamp: int, state: TaskState) -> None:
        self._writer.write_message(
            TASK_STATE, stamp, messages.task_state(stamp, self._stage.task.name, self._seed, state)
        )


def _nanoseconds(tick: int, update: int, robot: RobotConfig) -> int:
    return round((tick / robot.tick_rate_hz + update / robot.control_rate_hz) * 1e9)


def _execute(stage: Demonstration, recorder: _Recorder, tick: int, action: Floats) -> None:
    updates = round(stage.robot.control_rate_hz / stage.robot.tick_rate_hz)
    stage.controller.set_target(action, tick)
    for update in range(updates):
        step(stage.controller, stage.world, 1.0 / stage.robot.control_rate_hz)
        recorder.joints(_nanoseconds(tick, update + 1, stage.robot))


def _run(
    stage: Demonstration, recorder: _Recorder, disturbance: DisturbedActions | None, settle_ticks: int
) -> TaskState:
    limit = round(stage.task.time_limit_s * stage.robot.tick_rate_hz)
    settled = 0
    recorder.joints(0)
    for tick in range(limit):
        stamp = _nanoseconds(tick, 0, stage.robot)
        recorder.images(stamp)
        recorder.task(stamp, stage.world.task_state())
        clean = np.asarray(stage.expert.act(), dtype=np.float64)
        executed = disturbance.apply(clean, stage.expert.precise) if disturbance else clean
        recorder.command(COMMAND, stamp, tick, clean)
        if disturbance:
            recorder.command(DISTURBED_COMMAND, stamp, tick, executed)
        _execute(stage, recorder, tick, executed)
        settled += stage.expert.done
        if settled > settle_ticks:
            break
    return stage.world.task_state()


def described(robot: RobotConfig, task: TaskConfig, options: RecordingOptions) -> dict[str, Any]:
    """What the demonstrations of one recording have in common, by the names of the manifest and its `extra`."""
    return {
        "task": task.name,
        "robot": robot.name,
        "config_hash": robot.fingerprint(),
        "disturbance": asdict(noise) if (noise := options.disturbance) else None,
        "randomisation": task.randomisation.model_dump(exclude_defaults=True, mode="json"),
    }


def _manifest(stage: Demonstration, seed: int, options: RecordingOptions, state: TaskState) -> Manifest:
    common = described(stage.robot, stage.task, options)
    return Manifest(
        task=common["task"],
        robot=common["robot"],
        instruction=stage.task.instruction,
        seed=seed,
        config_hash=common["config_hash"],
        action_space=stage.robot.action_space_name,
        tick_rate_hz=stage.robot.tick_rate_hz,
        operator="scripted expert",
        outcome="success" if state.success else "failure",
        reason=state.text,
        extra={
            "disturbance": common["disturbance"],
            "score": float(state.score),
            "randomisation": common["randomisation"],
        },
    )


def record_episode(
    stage: Demonstration, seed: int, folder: Path, options: RecordingOptions, *, keep_failures: bool = False
) -> TaskState:
    """Let the expert do the task once and write `folder`; nothing is left of a failed one unless kept.

    Args:
        stage: world and expert already reset to `seed`.
        folder: bag folder to create; its parent must exist or be creatable.

    Returns:
        The task's state at the end.
    """
    writer = EpisodeWriter(folder, demonstration_topics(stage.robot.cameras), wait=True)
    kept = False
    try:
        recorder = _Recorder(writer, stage, seed, options.codec)
        noise = options.disturbance
        disturbance = DisturbedActions(stage.world, seed, noise) if noise else None
        stage.controller.reset(stage.world.joint_positions())
        state = _run(stage, recorder, disturbance, options.settle_ticks)
        kept = state.success or keep_failures
        if kept:
            writer.finish(_manifest(stage, seed, options, state))
        return state
    finally:
        if not kept:
            writer.abandon()
