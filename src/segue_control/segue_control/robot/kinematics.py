"""Forward and differential inverse kinematics of a robot, from the same model as the simulator's.

One inverse step solves, per arm, the quadratic program of mink's FrameTask, PostureTask and
ConfigurationLimit

    minimise   |W (J dq - e)|^2 + damping |dq|^2 + posture |N (dq - rate (home - q))|^2
    inside     low <= q + dq <= high

An arm with fewer than six joints cannot reach all orientations. For it e is first made what the joints can do: the
position as asked, the orientation the nearest to the one asked for at that position,

    e_p' = e_p    e_r' = J_r (J_p+ e_p + (J_r N_p)+ (e_r - J_r J_p+ e_p))    N_p = 1 - J_p+ J_p

and W counts the orientation little, so that a joint at its limit takes from the orientation and not from the position.
How far the tool stays away from what it was asked for is in `off_m` and `off_rad`.

The program is solved directly with mink's solver, DAQP. N projects on the motions that leave the tool where it is, so
the posture, which rules the elbow of a redundant arm, can be stiff without pulling the tool off its target. The arms
share no joint, so each has a problem of its own size. Measured for two 7-joint arms: 40 us here, 300 us through
mink 0.0.13, which builds its tasks in Python; the budget of one controller update is 400 us.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import daqp
import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_control.robot import rotation_wxyz
from segue_control.robot.held import place_held
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled, refuse_no_room, refuse_tools_outside
from segue_control.robot.poses import ActionCodec, ToolPoses, pose_space
from segue_control.targets.joint_targets import JointCodec
from segue_core.arrays import Floats
from segue_core.contracts.checks import POSE_NUMBERS
from segue_core.contracts.controller import Targets, targets_of
from segue_core.contracts.robot import ArmConfig, RobotConfig
from segue_core.errors import ControlError, ErrorCode

_ROTATION_WEIGHT = 0.3  # metres per radian: how much turning error counts against position error
_LITTLE_ROTATION_WEIGHT = 0.01  # the same of an arm that must choose between them
_DAMPING = (
    1e-5  # keeps joint speeds bounded at singular poses; costs 1e-5 / s^2 of an error at singular value s
)
_POSTURE = 1e-2
_POSTURE_RATE = (
    0.02  # part of the way home that the free motion goes in one step: a time constant of 50 steps
)
_RANK_TOLERANCE = 1e-7  # squared singular values far below this count as free motion
_SINGULAR = 0.02  # singular values below this share of the largest are motions that the tool cannot make
_SOLVED = 1


def _bare_model(robot: RobotConfig) -> mujoco.MjModel:
    """The robot's model without shapes, cameras and actuators: quick to compile and to evaluate."""
    spec = robot_spec(robot)
    for group in (spec.actuators, spec.geoms, spec.cameras, spec.meshes):
        for element in list(group):
            element.delete()
    spec.compiler.boundmass = spec.compiler.boundinertia = 1e-6
    for body in spec.bodies[1:]:
        if not body.explicitinertial:  # its shapes gave it a mass; here none counts
            body.mass, body.inertia, body.explicitinertial = 1.0, np.ones(3), True
    return compiled(robot, spec)


@dataclass(frozen=True)
class _Arm:
    """Addresses of one arm in the model and of its joints in the command vector."""

    site: int
    qpos: NDArray[np.intp]
    dofs: NDArray[np.intp]
    part: slice
    short: bool  # fewer joints than a pose has numbers


class Kinematics:
    """Poses of the tools for joint positions and back. Not thread safe: it owns one `mujoco.MjData`.

    Joint vectors are `robot.joint_names` in order (n,), [rad]; they are never modified.

    Attributes:
        off_m, off_rad: (A,) how far the tools of arms with fewer than six joints stay from the poses that the last
            `step` was asked for, linearised; 0 for other arms.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self.robot = robot
        self._model = _bare_model(robot)
        self._data = mujoco.MjData(self._model)
        place_held(robot, self._model, self._data)
        self._jacobian = np.zeros((6, self._model.nv))
        starts = np.cumsum([0, *(len(arm.joints) for arm in robot.arms)]).tolist()
        self._arms = [self._addresses(arm, start) for arm, start in zip(robot.arms, starts, strict=False)]
        joints = [self._model.joint(name) for name in robot.joint_names]
        self.low, self.high = np.array([joint.range for joint in joints]).T
        refuse_no_room(robot, self.low, self.high)
        self.home = np.concatenate([np.asarray(arm.home_rad, dtype=np.float64) for arm in robot.arms])
        self.off_m, self.off_rad = np.zeros(len(robot.arms)), np.zeros(len(robot.arms))
        names, at_home = tuple(arm.name for arm in robot.arms), self.poses(self.home)
        refuse_tools_outside(robot, "home", at_home.positions)
        self.codec = ActionCodec(pose_space(robot), names, at_home.quaternions)
        in_joints = targets_of(robot.action_space) is Targets.JOINTS
        self._joint_codec = JointCodec(robot, robot.action_space) if in_joints else None

    def _addresses(self, arm: ArmConfig, start: int) -> _Arm:
        joints = [self._model.joint(name) for name in arm.joint_names()]
        return _Arm(
            site=self._model.site(f"{arm.name}_tool").id,
            qpos=np.array([joint.qposadr[0] for joint in joints]),
            dofs=np.array([joint.dofadr[0] for joint in joints]),
            part=slice(start, start + len(joints)),
            short=len(joints) < POSE_NUMBERS,
        )

    def _place(self, q: Floats) -> None:
        for arm in self._arms:
            self._data.qpos[arm.qpos] = q[arm.part]
        mujoco.mj_kinematics(self._model, self._data)

    def _quaternion(self, arm: _Arm) -> Floats:
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, self._data.site_xmat[arm.site])
        return quaternion

    def poses(self, q: Floats) -> ToolPoses:
        """Tool poses in the base frame for joint positions (n,)."""
        self._place(q)
        positions = np.array([self._data.site_xpos[arm.site] for arm in self._arms])
        return ToolPoses(positions, np.array([self._quaternion(arm) for arm in self._arms]))

    def forward(self, q: Floats, grippers: Floats) -> Floats:
        """Where the robot is, as an action-space vector (D,): joints (n,) [rad], openings (A,) in [0, 1]."""
        if self._joint_codec is not None:
            return self._joint_codec.action(q, grippers)
        return self.codec.action(self.poses(q), grippers)

    def jacobians(self, q: Floats) -> list[Floats]:
        """Jacobian (6, joints of the arm) of every tool at `q` (n,): linear rows, then angular, base-frame axes."""
        self._place(q)
        mujoco.mj_comPos(self._model, self._data)
        return [self._jacobian_of(arm).copy() for arm in self._arms]

    @property
    def parts(self) -> list[slice]:
        """Where each arm's joints are in a joint vector (n,)."""
        return [arm.part for arm in self._arms]

    def step(self, target: ToolPoses, q: Floats, low: Floats, high: Floats) -> Floats:
        """One step (n,) from `q` to the target poses, inside `low` and `high` (n,) [rad], which contain `q`.

        Converges quadratically away from singular poses: called once per update it tracks a smooth path to
        micrometres.
        """
        self._place(q)
        mujoco.mj_comPos(self._model, self._data)
        result: Floats = q.copy()
        for index, arm in enumerate(self._arms):
            error = self._error(arm, target.positions[index], target.quaternions[index])
            jacobian = self._jacobian_of(arm)
            asked = nearest_reachable(jacobian, error) if arm.short else error
            homeward = np.zeros(len(arm.dofs)) if arm.short else self.home[arm.part] - q[arm.part]
            weight = _LITTLE_ROTATION_WEIGHT if arm.short else _ROTATION_WEIGHT
            change = _arm_step(
                jacobian, asked, weight, homeward, low[arm.part] - q[arm.part], high[arm.part] - q[arm.part]
            )
            result[arm.part] += change
            if arm.short:
                left = error - jacobian @ change
                self.off_m[index], self.off_rad[index] = np.linalg.norm(left[:3]), np.linalg.norm(left[3:])
        return result

    def _error(self, arm: _Arm, position: Floats, quaternion: Floats) -> Floats:
        turn = rotation_wxyz.difference(quaternion.tolist(), self._quaternion(arm).tolist())
        return np.concatenate([position - self._data.site_xpos[arm.site], turn])

    def _jacobian_of(self, arm: _Arm) -> Floats:
        mujoco.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], arm.site)
        return np.asarray(self._jacobian[:, arm.dofs])

    def solve(self, action: Floats, q_start: Floats, iterations: int = 50) -> Floats:
        """Joint positions (n,) inside their limits that reach the poses of an action (D,), found from `q_start`.

        The nearest reachable pose is returned when there is none: check `poses` of the result when that
        matters.

        Raises:
            ControlError: CONTROL_NOT_FINITE when an input is not finite.
        """
        if not (np.isfinite(action).all() and np.isfinite(q_start).all()):
            raise ControlError(
                ErrorCode.CONTROL_NOT_FINITE, "inverse kinematics: action or start is not finite"
            )
        target = self.codec.poses(action)
        q = np.clip(q_start, self.low, self.high)
        for _ in range(iterations):
            q = self.step(target, q, self.low, self.high)
        return q


def refuse_start_outside(robot: RobotConfig, pose: str) -> None:
    """Refuse a robot that is not its model's, or whose tools are not in the workspace in `pose`, with a ConfigError."""
    start = np.array(robot.pose_rad(pose))
    refuse_tools_outside(robot, pose, Kinematics(robot).poses(start).positions)


def _arm_step(
    jacobian: Floats, error: Floats, rotation_weight: float, homeward: Floats, low: Floats, high: Floats
) -> Floats:
    """Change (n,) of an arm's joints between `low` and `high` (n,): the program of the module's head."""
    jacobian, error = jacobian.copy(), error.copy()
    jacobian[3:] *= rotation_weight
    error[3:] *= rotation_weight
    outer = jacobian @ jacobian.T
    outer.flat[::7] += _RANK_TOLERANCE
    free = np.eye(len(homeward)) - jacobian.T @ np.linalg.solve(outer, jacobian)
    hessian = jacobian.T @ jacobian + _POSTURE * free
    hessian.flat[:: len(homeward) + 1] += _DAMPING
    gradient = -(error @ jacobian) - _POSTURE * _POSTURE_RATE * (free @ homeward)
    return bounded_minimum(hessian, gradient, low, high)


def nearest_reachable(jacobian: Floats, error: Floats) -> Floats:
    """The error (6,) that joints with a Jacobian (6, n) can take away: the position's first."""
    moves, turns = jacobian[:3], jacobian[3:]
    to_move = np.linalg.pinv(moves, rcond=_SINGULAR)
    free_turns = turns - turns @ to_move @ moves  # of motions that leave the position where it is
    moved = to_move @ error[:3]
    left = error[3:] - turns @ moved
    turned = free_turns @ np.linalg.pinv(free_turns, rcond=_SINGULAR) @ left
    return np.concatenate([error[:3], turns @ moved + turned])


_minimise: Callable[..., tuple[Floats, float, int, Any]] = daqp.solve


def bounded_minimum(hessian: Floats, gradient: Floats, low: Floats, high: Floats) -> Floats:
    """Minimiser of `x H x / 2 + g x` with `low <= x <= high`, exactly inside the bounds."""
    size = len(gradient)
    x, _, flag, _ = _minimise(
        hessian, gradient, np.zeros((0, size)), high, low, np.zeros(size, dtype=np.int32)
    )
    if flag != _SOLVED or not np.isfinite(x).all():
        return np.asarray(np.clip(0.0, low, high))
    return np.asarray(np.clip(x, low, high))
