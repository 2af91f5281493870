"""What `segue adopt` takes, as a typed model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel


class AdoptOptions(StrictModel):
    """Say whose robot a checkpoint of LeRobot is for, since LeRobot does not store what its numbers mean, and try it.

    LeRobot, in the environment that LEROBOT_PYTHON names, is asked for a chunk. Writes CHECKPOINT/segue.yaml when all
    is well, and nothing when it is not.
    """

    EXAMPLES: ClassVar[str] = """\
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
    checkpoint: Annotated[Path, Word(place=True)] = Field(description="LeRobot's folder pretrained_model")
    robot: Annotated[str, Word(names="robots")] = Field(description="robot, by name")
    camera: tuple[str, ...] = Field(
        default=(), description="OURS=THEIRS, a camera of the robot and the checkpoint's name of it; may be repeated"
    )  # fmt: skip
    instruction: str = Field(
        default="", description="what a policy that reads language is told; else the task's own instruction"
    )
    lerobot: str = Field(
        default="", description="where LeRobot is for this checkpoint: an interpreter, or HOST:PORT; else "
        "LEROBOT_SERVER (HOST:PORT) or LEROBOT_PYTHON, at every run",
    )  # fmt: skip
