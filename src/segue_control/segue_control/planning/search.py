"""Ways around an obstacle: over it with raised tools, or found by OMPL's RRT-Connect."""

from collections.abc import Callable

import numpy as np
from ompl import base, geometric, util

from segue_control.planning.collision import CollisionModel
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits
from segue_control.robot.poses import ToolPoses
from segue_core.arrays import Floats

_IK_STEPS = 60
_REACHED_M = 5e-3

util.RNG.setSeed(1)  # once, before OMPL draws its first number
util.setLogLevel(util.LogLevel.LOG_ERROR)


def lifted(
    kinematics: Kinematics, start: Floats, goal: Floats, lift_m: float, limits: JointLimits
) -> Floats | None:
    """Corners (4, n): up from the start, over, down to the goal; None when the arms do not reach so high."""
    over_start = _raised(kinematics, start, lift_m, limits)
    over_goal = _raised(kinematics, goal, lift_m, limits)
    if over_start is None or over_goal is None:
        return None
    return np.array([start, over_start, over_goal, goal])


def _raised(kinematics: Kinematics, q: Floats, lift_m: float, limits: JointLimits) -> Floats | None:
    poses = kinematics.poses(q)
    target = ToolPoses(poses.positions + np.array([0.0, 0.0, lift_m]), poses.quaternions)
    for _ in range(_IK_STEPS):
        q = kinematics.step(target, q, limits.low, limits.high)
    missed = np.linalg.norm(kinematics.poses(q).positions - target.positions, axis=1).max()
    return q if missed < _REACHED_M else None


def rrt_connect(
    collisions: CollisionModel, start: Floats, goal: Floats, limits: JointLimits, seconds: float
) -> Floats | None:
    """Corners (K, n) of a free path, shortened; None when none was found within `seconds`.

    RRT-Connect: Kuffner and LaValle, ICRA 2000, as OMPL implements it.
    """
    setup = geometric.SimpleSetup(_space(limits))
    setup.setStateValidityChecker(_free(collisions, len(start)))
    information = setup.getSpaceInformation()
    information.setStateValidityCheckingResolution(
        collisions.step_rad() / setup.getStateSpace().getMaximumExtent()
    )
    setup.setStartAndGoalStates(_state(setup, start), _state(setup, goal))
    setup.setPlanner(geometric.RRTConnect(information))
    if not setup.solve(seconds) or not setup.haveExactSolutionPath():
        return None
    path = setup.getSolutionPath()
    simplifier = geometric.PathSimplifier(information)
    for shorten in (simplifier.reduceVertices, simplifier.ropeShortcutPath, simplifier.reduceVertices):
        shorten(path)  # without its splines: the arms rest at every corner, so few corners are what counts
    return np.array([[state[index] for index in range(len(start))] for state in path.getStates()])


def _space(limits: JointLimits) -> base.RealVectorStateSpace:
    space = base.RealVectorStateSpace(len(limits.low))
    bounds = base.RealVectorBounds(len(limits.low))
    for index, (low, high) in enumerate(zip(limits.low.tolist(), limits.high.tolist(), strict=True)):
        bounds.setLow(index, low)
        bounds.setHigh(index, high)
    space.setBounds(bounds)
    return space


def _free(collisions: CollisionModel, size: int) -> Callable[[base.State], bool]:
    def free(state: base.State) -> bool:
        return not collisions.touches(np.array([state[index] for index in range(size)]))

    return free


def _state(setup: geometric.SimpleSetup, q: Floats) -> base.State:
    state = setup.getStateSpace().allocState()
    for index, value in enumerate(q.tolist()):
        state[index] = value
    return state
