"""Say what a LeRobot checkpoint's numbers mean: `python -m segue_policies.lerobot.adopt FOLDER --robot FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from segue_core.config_base import load_yaml
from segue_core.errors import ConfigError, ErrorCode, SegueError
from segue_core.exit_status import ExitStatus, ending
from segue_core.robot_config import RobotConfig
from segue_policies.common.checkpoint import Expected
from segue_policies.lerobot.contract import OURS, read_contract


def adopt(folder: Path, robot: RobotConfig, cameras: dict[str, str], instruction: str = "") -> None:
    """Write `segue.yaml` beside the checkpoint, and check that it serves the robot.

    Args:
        folder: of LeRobot's `config.json` and `model.safetensors`.
        robot: whose action space it predicts.
        cameras: camera of the robot to the checkpoint's name of it, where they differ.
        instruction: for policies that read language; empty: the task's own.

    Raises:
        PolicyError: it does not fit the robot; nothing is written then.
    """
    content = {
        "action_space": robot.action_space.to_dict(),
        "cameras": cameras,
        "instruction": instruction,
    }
    path = folder / OURS
    before = path.read_text() if path.is_file() else None
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    try:
        read_contract(folder, Expected(action_space=robot.action_space, cameras=tuple(robot.cameras)))
    except SegueError:
        path.unlink() if before is None else path.write_text(before)
        raise


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r}: expected ROBOTS_NAME=CHECKPOINTS_NAME, such as head=top")
    return ours, theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the status of docs/exit-codes.md, with one sentence when it is not 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoint of LeRobot")
    parser.add_argument("--robot", type=Path, required=True, help="config/robots/NAME.yaml")
    parser.add_argument(
        "--camera", type=_pair, action="append", default=[], metavar="OURS=THEIRS", help="head=top"
    )
    parser.add_argument(
        "--instruction",
        default="",
        help="the words that the policy was trained with; without: the task's own",
    )
    given = parser.parse_args(arguments)
    try:
        if not given.robot.is_file():
            raise ConfigError(ErrorCode.CONFIG_UNREADABLE, "no such robot file", got=given.robot)
        robot = load_yaml(given.robot.read_text(), RobotConfig, str(given.robot))
        adopt(given.folder, robot, dict(given.camera), given.instruction)
    except Exception as error:
        status, said = ending(error)
        print(said, file=sys.stderr)
        return status
    print(f"{given.folder} serves {robot.name}")
    return ExitStatus.SUCCESS


if __name__ == "__main__":
    sys.exit(main())
