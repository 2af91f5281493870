"""Whether a condition of the task contract holds in a world now."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np

from segue_core.contracts.condition import Above, Axis, Condition, Inside, JointIs, Near
from segue_core.errors import unknown_name
from segue_sim.frames import frame_of
from segue_sim.world import World

_CLOSING = 0.9  # a gripper commanded to less than this opening may hold something
_TOOL = "tool"


def holds(world: World, condition: Condition) -> bool:
    """Whether everything that `condition` asks for is so.

    Raises:
        ConfigError: a name in it that the world does not have; the valid ones are listed.
    """
    return all(_checks(world, condition))


def _checks(world: World, condition: Condition) -> Iterator[bool]:
    if condition.held is not None:
        yield _held(world, condition.held)
    if condition.free is not None:
        frame_of(world.model, world.data, condition.free)
        yield condition.free not in world.touched().values()
    if condition.joint is not None:
        yield _joint(world, condition.joint)
    if condition.near is not None:
        yield _near(world, condition.near)
    if condition.above is not None:
        yield _above(world, condition.above)
    if condition.inside is not None:
        yield _inside(world, condition.inside)
    if condition.upright is not None:
        yield _upright(world, condition.upright)
    yield from (holds(world, more) for more in condition.every)
    yield from (not holds(world, less) for less in condition.none)


def _held(world: World, name: str) -> bool:
    frame_of(world.model, world.data, name)
    told = world.commanded_openings()
    return any(what == name and told[gripper] < _CLOSING for gripper, what in world.touched().items())


def joint_value(world: World, name: str) -> float:
    """Value of a fixture's joint [m] or [rad]; ConfigError lists the joints when there is none of that name."""
    index = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_JOINT, name)
    if index < 0:
        raise unknown_name("joint", name, [world.model.joint(i).name for i in range(world.model.njnt)])
    return float(world.data.qpos[world.model.jnt_qposadr[index]])


def _joint(world: World, asked: JointIs) -> bool:
    value = joint_value(world, asked.name)
    low, high = asked.above, asked.below
    return (low is None or value >= low) and (high is None or value <= high)


def _near(world: World, asked: Near) -> bool:
    goal = world.frame(asked.to).point(np.array(asked.offset))
    spots = world.tool_positions() if asked.what == _TOOL else [world.frame(asked.what).position]
    axes = slice(2) if asked.level else slice(3)
    return any(bool(np.linalg.norm((spot - goal)[axes]) <= asked.within_m) for spot in spots)


def _above(world: World, asked: Above) -> bool:
    return bool(world.frame(asked.what).position[2] - world.frame(asked.frame).position[2] >= asked.by_m)


def _inside(world: World, asked: Inside) -> bool:
    point = world.frame(asked.frame).seen(world.frame(asked.what).position)
    return bool((point >= asked.low).all() and (point <= asked.high).all())


def _upright(world: World, asked: Axis) -> bool:
    cosine = float(world.frame(asked.what).axes[:, 2] @ world.frame(asked.frame).axes[:, 2])
    if asked.lying:
        return bool(abs(cosine) <= np.sin(asked.within_rad))
    return bool(cosine >= np.cos(asked.within_rad))
