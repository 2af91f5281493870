"""Pictures of robots at work, for README and docs: `python -m segue_eval.gallery OUT ROBOT/TASK[@SECONDS] ...`.

The task's expert works in lockstep until that second of the episode, then the spectator looks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from segue_control.controller import RobotController
from segue_control.lockstep import step
from segue_core.arrays import Rgb
from segue_core.command_line.main import program
from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel
from segue_core.errors import ConfigError, ErrorCode
from segue_core.exit_status import ExitStatus
from segue_data.bags.encoding import ImageCodec
from segue_data.contracts import load_robot, load_task
from segue_data.storage.atomic import whole_file
from segue_sim import experts
from segue_sim.episode import Episode
from segue_sim.snapshot import take
from segue_sim.spectator import Spectator

_SEED = 1
_SECONDS = 3.0
_CODEC = ImageCodec(quality=85)  # about 25 kB a picture


def _at_work(robot_name: str, task_name: str, seconds: float, seed: int) -> Rgb:
    """The expert's world after so many seconds, or when it is done."""
    robot, task = load_robot(robot_name), load_task(task_name)
    world, controller = Episode(robot, task, seed, render=False), RobotController(robot)
    controller.reset(world.joint_positions())
    expert = experts.create(world, seed)
    updates = round(robot.control_rate_hz / robot.tick_rate_hz)
    for tick in range(round(seconds * robot.tick_rate_hz)):
        controller.set_target(expert.act(), tick)
        for _ in range(updates):
            step(controller, world, 1.0 / robot.control_rate_hz)
        if expert.done:
            break
    spectator = Spectator.of_world(robot, task, seed, fine=True)
    try:
        spectator.show_state(take(world).values)
        return spectator.picture()
    finally:
        spectator.close()


def _asked(word: str) -> tuple[str, str, float]:
    """Robot, task and seconds of `ROBOT/TASK@SECONDS`."""
    names, _, seconds = word.partition("@")
    robot, _, task = names.partition("/")
    try:
        time_s = float(seconds) if seconds else _SECONDS
    except ValueError:
        time_s = -1.0
    if not robot or not task or not 0 <= time_s < 1e3:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE,
            "a picture of the gallery",
            got=word,
            expected="ROBOT/TASK or ROBOT/TASK@SECONDS, for example franka/push_button@2.5",
        )
    return robot, task, time_s


class GalleryOptions(StrictModel):
    """Pictures of robots at work, for README and docs: OUT/<robot>-<task>.jpg for each."""

    out: Annotated[Path, Word(place=True)] = Field(description="folder to write to")
    pictures: Annotated[tuple[str, ...], Word(place=True)] = Field(
        description="ROBOT/TASK or ROBOT/TASK@SECONDS"
    )
    seed: int = Field(default=_SEED, ge=0, description="of the world")


def draw(options: GalleryOptions) -> int:
    """Write the pictures; the exit status."""
    for robot, task, seconds in map(_asked, options.pictures):
        options.out.mkdir(parents=True, exist_ok=True)
        path = options.out / f"{robot}-{task}.jpg"
        picture = _CODEC.encode(_at_work(robot, task, seconds, options.seed)).tobytes()
        with whole_file(path) as part:
            part.write_bytes(picture)
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return ExitStatus.SUCCESS


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    return program(arguments, GalleryOptions, draw, "segue_eval.gallery")


if __name__ == "__main__":
    sys.exit(main())
