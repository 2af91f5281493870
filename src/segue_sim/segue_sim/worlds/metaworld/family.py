"""The tasks of Meta-World: what they are called, and what each is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec

from segue_core.action_space import SINGLE_ARM, ActionSpace, Channel, ChannelKind
from segue_core.errors import ConfigError, ErrorCode, unknown_name
from segue_core.world import Family, World, WorldPlant, WorldRobot, WorldTask

RATE_HZ = 80.0  # SawyerMocapBase: frame_skip 5 of 2.5 ms
STEPS = 500  # SawyerXYZEnv.max_path_length
_INSTALL = ".venv/bin/pip install -r requirements/benchmarks.txt"
_LOW, _HIGH = (-0.525, 0.348, -0.0525), (0.525, 1.025, 0.7)  # SawyerXYZEnv._HAND_SPACE [m]
_SPACE = ActionSpace(
    "metaworld_position",
    RATE_HZ,
    (
        Channel(f"{SINGLE_ARM}_position", ChannelKind.POSITION, 3, "m", _LOW, _HIGH),
        Channel(f"{SINGLE_ARM}_gripper", ChannelKind.GRIPPER, 1, "1", (0.0,), (1.0,)),
    ),
)
ROBOT = WorldRobot(name="metaworld/sawyer", action_space=_SPACE, cameras=("corner2", "topview"))

_TASKS = """
assembly basketball bin-picking box-close button-press-topdown button-press-topdown-wall button-press
button-press-wall coffee-button coffee-pull coffee-push dial-turn disassemble door-close door-lock door-open
door-unlock drawer-close drawer-open faucet-close faucet-open hammer hand-insert handle-press-side
handle-press handle-pull-side handle-pull lever-pull peg-insert-side peg-unplug-side pick-out-of-hole
pick-place pick-place-wall plate-slide-back-side plate-slide-back plate-slide-side plate-slide push-back push
push-wall reach reach-wall shelf-place soccer stick-pull stick-push sweep-into sweep window-close window-open
"""
NAMES = tuple(f"{name}-v3" for name in _TASKS.split())
"""The tasks of MT50; written here because importing the benchmark takes seconds, and a test compares."""


class MetaWorld:
    """The family `metaworld`."""

    def names(self) -> Sequence[str]:
        """All fifty, where the benchmark is installed."""
        return NAMES if _installed() else ()

    def world(self, name: str) -> World:
        """The task of that name; nothing of the benchmark is imported before its plant is made."""
        if name not in NAMES:
            raise unknown_name("task of Meta-World", name, NAMES)
        if not _installed():
            text = f"task metaworld/{name} needs Meta-World, which is not installed"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, do=_INSTALL)
        task = WorldTask(
            name=f"metaworld/{name}",
            instruction=name.removesuffix("-v3").replace("-", " "),
            robot=ROBOT.name,
            time_limit_s=STEPS / RATE_HZ,
        )
        return World(ROBOT, task, partial(_plant, name))


def _installed() -> bool:
    return find_spec("metaworld") is not None


def _plant(name: str, render: bool) -> WorldPlant:
    from segue_sim.worlds.metaworld.plant import MetaWorldPlant

    return MetaWorldPlant(name, ROBOT.cameras if render else ())


def create() -> Family:
    """The family."""
    return MetaWorld()
