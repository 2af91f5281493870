"""Which links of a robot need no look for collisions between them: found by trying poses of its MuJoCo model.

What MoveIt's setup assistant does, with the model that the URDF is made from. Pairs with a fixed distance or a joint
between them (Adjacent), pairs that overlap at home (Default) or in nearly every pose (Always), since convex hulls are
thicker than links, pairs of one arm that never come near in any of many poses (Never), and fingers of one hand, which
close on each other (User). Two arms meet in so few of all poses that chance says nothing: they are always looked at.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import mujoco
import numpy as np

from segue_control.robot.held import place_held
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

Pair = tuple[int, int]  # of bodies, the smaller number first

POSES = 10_000  # as many as the setup assistant tries
_NEAR_M = 0.03  # a pair that comes so near once is looked at: a chance pose that touches is rare
_ALWAYS = 0.95
_SEED = 20260801


def unchecked_pairs(robot: RobotConfig, poses: int = POSES) -> dict[tuple[str, str], str]:
    """Pairs of links that need no check, by sorted names, and why; the same for every call."""
    model = _model(robot)
    touches = _Touches(robot, model)
    overlaps, nears = Counter[Pair](), Counter[Pair]()
    for positions in _random_poses(robot, model, poses):
        near = touches.at(positions)
        nears.update(near.keys())
        overlaps.update(pair for pair, distance in near.items() if distance < 0.0)
    opened = robot.fingers([1.0] * len(robot.arms))
    at_home = touches.at(np.array([*robot.pose_rad("home"), *opened]))
    shaped = [body for body in range(1, model.nbody) if _touchable(model, body)]
    arms, hands = _arms(robot, model), _hands(robot, model)

    def reason(pair: Pair) -> str:
        if _adjacent(model, shaped, *pair):
            return "Adjacent"
        if hands.get(pair[0], "") == hands.get(pair[1]):
            return "User"
        if at_home.get(pair, 0.0) < 0.0:
            return "Default"
        if overlaps[pair] > _ALWAYS * poses:
            return "Always"
        return "" if nears[pair] or arms[pair[0]] != arms[pair[1]] else "Never"

    reasons = {pair: reason(pair) for pair in combinations(shaped, 2)}
    return dict(sorted((_names(model, pair), why) for pair, why in reasons.items() if why))


def _names(model: mujoco.MjModel, pair: Pair) -> tuple[str, str]:
    first, second = sorted(str(model.body(body).name) for body in pair)
    return first, second


def _model(robot: RobotConfig) -> mujoco.MjModel:
    """The robot with every shape able to touch every other, whatever the model filters."""
    spec = robot_spec(robot)
    for group in (spec.actuators, spec.cameras, spec.excludes, spec.pairs):
        for element in list(group):
            element.delete()
    for geom in spec.geoms:
        geom.contype = geom.conaffinity = int(bool(geom.contype or geom.conaffinity))
    model = compiled(robot, spec)
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_FILTERPARENT)
    model.geom_margin[:] = _NEAR_M
    return model


def _touchable(model: mujoco.MjModel, body: int) -> bool:
    first, count = int(model.body_geomadr[body]), int(model.body_geomnum[body])
    return bool(model.geom_contype[first : first + count].any())


def _random_poses(robot: RobotConfig, model: mujoco.MjModel, count: int) -> Floats:
    """Positions (count, n) of arm joints anywhere in their ranges, and of fingers at some opening of their gripper."""
    chance = np.random.default_rng(_SEED)
    low, high = np.array([_range(model, name) for name in robot.joint_names]).T
    joints = chance.uniform(low, high, (count, len(low)))
    openings = chance.uniform(0.0, 1.0, (count, len(robot.arms)))
    return np.hstack([joints, [robot.fingers(row.tolist()) for row in openings]])


def _range(model: mujoco.MjModel, name: str) -> tuple[float, float]:
    joint = model.joint(name)
    low, high = joint.range.tolist() if model.jnt_limited[joint.id] else (-np.pi, np.pi)
    return low, high


class _Touches:
    """Asks who is near whom."""

    def __init__(self, robot: RobotConfig, model: mujoco.MjModel) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        place_held(robot, model, self._data)
        names = (*robot.joint_names, *robot.finger_names)
        self._places = [int(model.joint(name).qposadr[0]) for name in names]

    def at(self, positions: Floats) -> dict[Pair, float]:
        """Least distance [m] of every pair of bodies that is near, with joints and fingers at `positions` (n,)."""
        data = self._data
        data.qpos[self._places] = positions
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_collision(self._model, data)
        found: dict[Pair, float] = {}
        bodies = self._model.geom_bodyid[data.contact.geom].tolist() if data.ncon else []
        for (one, other), distance in zip(bodies, data.contact.dist.tolist(), strict=True):
            pair = (min(one, other), max(one, other))
            found[pair] = min(found.get(pair, np.inf), distance)
        return found


def _arms(robot: RobotConfig, model: mujoco.MjModel) -> dict[int, str]:
    """The arm whose description each body comes from."""
    names = {body: str(model.body(body).name) for body in range(1, model.nbody)}
    return {
        body: next(arm.name for arm in robot.arms if name.startswith(f"{arm.name}_"))
        for body, name in names.items()
    }


def _hands(robot: RobotConfig, model: mujoco.MjModel) -> dict[int, str]:
    """The arm whose fingers each body is part of."""
    moved = {
        int(model.joint(f"{arm.name}_{joint}").bodyid[0]): arm.name
        for arm in robot.arms
        for joint in arm.gripper.finger_joints
    }
    for body in range(1, model.nbody):  # parents come first
        if int(model.body_parentid[body]) in moved:
            moved.setdefault(body, moved[int(model.body_parentid[body])])
    return moved


def _adjacent(model: mujoco.MjModel, shaped: Sequence[int], one: int, other: int) -> bool:
    """Whether two bodies are one rigid part, or one hangs on the other with nothing that has a shape in between."""
    same = model.body_weldid[one] == model.body_weldid[other]
    return bool(same or _carrier(model, shaped, one) == other or _carrier(model, shaped, other) == one)


def _carrier(model: mujoco.MjModel, shaped: Sequence[int], body: int) -> int:
    """The nearest body with a shape that carries `body`; 0 is the world."""
    body = int(model.body_parentid[body])
    while body and body not in shaped:
        body = int(model.body_parentid[body])
    return body
