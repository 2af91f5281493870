"""`segue adopt`: a checkpoint of LeRobot for a robot of ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from segue_core.errors import ConfigError, ErrorCode
from segue_data.contracts import load_robot
from segue_policies.lerobot.adopt import adopt
from segue_policies.lerobot.contract import Adoption
from segue_policies.lerobot.place import Place, find_place, parse_place

_TEXT = """\
Say whose robot a checkpoint of LeRobot is for, since LeRobot does not store what its numbers mean, and try it: LeRobot,
in the environment that LEROBOT_PYTHON names, is asked for a chunk. Writes CHECKPOINT/segue.yaml when all is well, and
nothing when it is not.
"""
_EXAMPLES = """\
example, from LeRobot's training to a run (docs/training.md):
  export LEROBOT_PYTHON=~/lerobot/bin/python       an environment of its own, with LeRobot 0.4.4 or 0.6.1
  segue adopt data/lerobot_act/checkpoints/last/pretrained_model --robot dual_arm
  segue run  policy:=lerobot checkpoint:=data/lerobot_act/checkpoints/last/pretrained_model
  segue eval --policy lerobot --checkpoint data/lerobot_act/checkpoints/last/pretrained_model --seeds 0:20

other names of cameras, and the words that it was trained with:
  segue adopt CHECKPOINT --robot dual_arm --camera head=top --camera left_wrist=wrist --instruction "put it there"

LeRobot on another machine, where its folder lerobot_server was started with --listen:
  segue adopt CHECKPOINT --robot dual_arm --lerobot gpubox:7777

Status 3: it does not fit the robot, or LeRobot cannot serve it. Its datasets are taken in by `segue data adopt`.
"""


def add_parser(subparsers: Any) -> None:
    """Add `adopt` to an argparse subparsers object."""
    parser = subparsers.add_parser(
        "adopt",
        help="say whose robot a checkpoint of LeRobot is for, and try it",
        description=_TEXT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="LeRobot's folder pretrained_model"
    )
    parser.add_argument("--robot", required=True, metavar="NAME", help="robot contract in config/robots")
    parser.add_argument(
        "--camera", action="append", default=[], metavar="OURS=THEIRS",
        help="a camera of the robot and the checkpoint's name of it, where they differ; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--instruction", default="", metavar="WORDS",
        help="what a policy that reads language is told; without: the task's own instruction",
    )  # fmt: skip
    parser.add_argument(
        "--lerobot", default="", metavar="PLACE",
        help="where LeRobot is for this checkpoint: an interpreter, or HOST:PORT; without: LEROBOT_SERVER (HOST:PORT) "
        "or LEROBOT_PYTHON, at every run",
    )  # fmt: skip
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Do it and say what comes next; the exit status."""
    robot, cameras = load_robot(options.robot), dict(_pair(text) for text in options.camera)
    own = parse_place(options.lerobot, "--lerobot") if options.lerobot else None
    adoption = Adoption(
        action_space=robot.action_space.to_dict(), cameras=cameras, instruction=options.instruction,
        lerobot=str(own or ""),
    )  # fmt: skip
    place, missing = _place(adoption)
    contract, tried = adopt(options.checkpoint, robot, adoption, place)
    info, (width, height) = contract.info, contract.info.image_size
    print(
        f"{options.checkpoint} fits {robot.name}: {contract.kind}, {info.horizon} rows of {info.action_space.dim} at "
        f"{info.rate_hz:g} Hz, pictures of {', '.join(info.cameras) or 'no camera'} at {width}x{height}"
    )
    print(tried or f"not tried: {missing}")
    print(f"next: segue run policy:=lerobot checkpoint:={options.checkpoint}")
    return 0


def _place(adoption: Adoption) -> tuple[Place | None, str]:
    """Where to try it, or why it cannot be tried here: the robot's machine may have no LeRobot."""
    try:
        return find_place(adoption.lerobot), ""
    except ConfigError as error:
        return None, error.advised


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (equals and ours and theirs):
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--camera", got=text, expected="OURS=THEIRS, such as head=top"
        )
    return ours, theirs
