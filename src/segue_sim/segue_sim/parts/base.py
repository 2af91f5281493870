"""What every kind of fixture offers to the world."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypeVar

import mujoco
import numpy as np

from segue_control.robot import rotation_wxyz
from segue_core.contracts.base import StrictModel, parse_model
from segue_core.contracts.task import FixtureConfig
from segue_sim.layout import Layout

OptionsT = TypeVar("OptionsT", bound=StrictModel)


class Part(ABC):
    """One fixture: adds its bodies to the world's description, and stands where the seed puts it.

    `clearance` is how far from its centre loose objects start at least [m].
    """

    clearance: float = 0.0

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def build(self, spec: mujoco.MjSpec) -> None:
        """Add bodies and geoms; their names begin with the part's name. Called once, before compilation."""

    @abstractmethod
    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """Put it where `layout` says, at the start of an episode, everything at rest."""

    def graspable(self) -> Mapping[str, tuple[str, ...]]:
        """What of it a gripper can hold: names for people, and the bodies that belong to each."""
        return {}


def options_of(model: type[OptionsT], name: str, config: FixtureConfig) -> OptionsT:
    """The options of a fixture as its kind's model; ConfigError names the key and what is allowed."""
    return parse_model(config.options, model, f"fixture '{name}' ({config.kind}) options")


def yaw_quaternion(yaw: float) -> tuple[float, float, float, float]:
    """Unit quaternion (w, x, y, z) of a turn about the vertical."""
    return (float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2)))


def set_free_pose(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    joint: str,
    position: tuple[float, float, float],
    yaw: float,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Put a free joint at `position` [m] with `yaw` [rad] after `turn`, a rotation vector [rad], at rest."""
    address = model.joint(joint).qposadr[0]
    data.qpos[address : address + 3] = position
    quaternion = rotation_wxyz.multiply(yaw_quaternion(yaw), rotation_wxyz.from_rotation_vector(turn))
    data.qpos[address + 3 : address + 7] = quaternion if any(turn) else yaw_quaternion(yaw)
