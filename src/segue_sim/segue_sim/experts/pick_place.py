"""A scripted expert for pick-and-place: knows where everything is, acts through the same actions as a policy.

Objects are taken from left to right. An object near the middle may be taken by either arm: the seed decides, so the
demonstrations are multimodal. A grasp that failed is tried again.
"""

import copy
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from segue_core.arrays import Floats
from segue_sim.episode import Episode
from segue_sim.experts.own_space import OwnSpace
from segue_sim.motion import MotionLimits, SetPoint
from segue_sim.objects import thing
from segue_sim.parts.box import Box

TAKES_OVER = True  # it can begin anywhere, see `taking_over`
_HOVER_M = 0.11  # tool height above an object before the descent
_CARRY_M = 0.15  # tool height while carrying
_RELEASE_M = 0.09  # tool height above the box when opening
_SLOT_M = 0.03  # each arm lets go on its own side of the box
_CLOSE_TICKS = 10
_OPEN_TICKS = 7
_NEAR_M = 0.008
_NEAR_BOX_M = 0.09  # a tool this near to the box's centre is over it
_APPROACH_M = 0.06  # a plan that passes an object nearer than this is about it


class ArmStage(Enum):
    """What the working arm is doing."""

    HOVER = auto()
    DESCEND = auto()
    CLOSE = auto()
    LIFT = auto()
    CARRY = auto()
    LOWER = auto()
    OPEN = auto()
    LEAVE = auto()


@dataclass
class _Arm:
    index: int
    home: Floats
    setpoint: SetPoint
    opening: float = 1.0


class PickPlaceExpert:
    """Solves one episode of a `Episode`. Call `act` once per tick, before the tick's physics."""

    def __init__(self, world: Episode, seed: int, limits: MotionLimits | None = None) -> None:
        self._box = world.part("container", Box)
        self._world, self._rng = world, np.random.default_rng([seed, 7])
        self._own = OwnSpace(world)
        self._space = self._own.poses
        dt = 1.0 / world.robot.tick_rate_hz
        self._arms = []
        for index, arm in enumerate(world.robot.arms):
            home = world.tool_position(arm.name)
            self._arms.append(_Arm(index, home, SetPoint(home, 0.0, dt, limits or MotionLimits())))
        self._choice = {name: self._choose_arm(name) for name in world.task.objects}
        self._target: str | None = None
        self._arm = self._arms[0]
        self._stage, self._ticks = ArmStage.LEAVE, 0
        self._yaw = 0.0

    def taking_over(self, actions: Floats, plan: Floats) -> "PickPlaceExpert":
        """An expert that goes on now from the last of the commanded `actions` (n, D); `plan` (m, D) was intended.

        It keeps the velocity that the commands had: an expert that stopped first would teach to stop.
        What a closed gripper holds is carried on. Otherwise the object that the plan approaches nearest stays the
        target, and the plan's arm its arm: to switch to another would correct what was not wrong.
        """
        other = copy.copy(self)
        other._own = OwnSpace(self._world)
        intended, commanded = (
            np.array([other._own.poses_of(row) for row in rows]) for rows in (plan, actions)
        )
        other._arms = [self._arm_at(arm, commanded) for arm in self._arms]
        other._target, other._arm = None, other._arms[0]
        other._enter(ArmStage.LEAVE)
        if not other._carry_on(commanded[-1]):
            other._follow(intended)
        return other

    def _arm_at(self, arm: _Arm, poses: Floats) -> _Arm:
        name, rate = self._world.robot.arms[arm.index].name, self._world.robot.tick_rate_hz
        positions = poses[:, self._space.slice(f"{name}_position")]
        yaws = poses[:, self._space.slice(f"{name}_rotation")][:, 2]
        velocity, yaw_rate = np.zeros(3), 0.0
        if len(poses) > 1:
            velocity, yaw_rate = (positions[-1] - positions[-2]) * rate, float(yaws[-1] - yaws[-2]) * rate
        return _Arm(
            arm.index, arm.home, arm.setpoint.moving(positions[-1], float(yaws[-1]), velocity, yaw_rate)
        )

    def _carry_on(self, poses: Floats) -> bool:
        """Take up the transport of an object that a closed gripper holds outside the box."""
        touched, box = self._world.touched(), self._world.layout.fixtures["container"]
        for arm in self._arms:
            config = self._world.robot.arms[arm.index]
            name = touched[self._world.robot.gripper_names[arm.index]]
            closed = float(poses[self._space.slice(f"{config.name}_gripper")][0]) < 0.5
            if name is None or not closed or self._delivered(name):
                continue
            self._target, self._arm, self._yaw, arm.opening = name, arm, arm.setpoint.yaw, 0.0
            x, y, height = arm.setpoint.position
            over = float(np.hypot(x - box.x, y - box.y)) < _NEAR_BOX_M
            if over and height < _CARRY_M + 0.01:
                self._enter(ArmStage.LOWER)
            else:
                self._enter(ArmStage.CARRY if height > 0.7 * _CARRY_M else ArmStage.LIFT)
            return True
        return False

    def _follow(self, plan: Floats) -> None:
        """Make the object nearest to the path of a planned arm the target."""
        nearest = _APPROACH_M
        for arm in self._arms:
            config = self._world.robot.arms[arm.index]
            path = plan[:, self._space.slice(f"{config.name}_position")]
            resting = float(np.ptp(path, axis=0).max()) < 0.01
            if resting and float(np.linalg.norm(path[0] - arm.home)) < 0.03:
                continue
            for name in self._world.task.objects:
                at = self._world.object_position(name)
                distance = float(np.linalg.norm(path[:, :2] - at[:2], axis=1).min())
                if distance < nearest and self._reachable(name) and not self._delivered(name):
                    nearest, self._target, self._arm = distance, name, arm
        if self._target is None:
            return
        at = self._world.object_position(self._target)
        above = float(np.linalg.norm(self._arm.setpoint.position[:2] - at[:2])) < 0.02
        self._enter(ArmStage.DESCEND if above else ArmStage.HOVER)
        self._yaw = self._grasp_yaw(self._target)

    def _delivered(self, name: str) -> bool:
        return self._box.holds(self._world.object_position(name), self._world.layout)

    def _choose_arm(self, name: str) -> int:
        y = self._world.object_position(name)[1]
        shared = abs(y) < self._world.task.shared_half_width
        return int(self._rng.integers(2)) if shared else int(y < 0)

    @property
    def done(self) -> bool:
        """All objects are in the box and both arms are home again."""
        idle = self._target is None
        return idle and all(arm.setpoint.near(arm.home, 0.02) for arm in self._arms)

    @property
    def precise(self) -> bool:
        """The working arm is closing on an object or letting it go: no disturbance now, please."""
        if self._target is None or self._stage in (ArmStage.HOVER, ArmStage.CARRY, ArmStage.LEAVE):
            return False
        low = self._arm.setpoint.position[2] < 0.6 * _HOVER_M
        return self._stage is not ArmStage.DESCEND or low

    def act(self) -> Floats:
        """The action (D,) of this tick."""
        if self._target is None:
            self._next_object()
        if self._target is not None:
            self._work(self._target)
        for arm in self._arms:
            if self._target is None or arm is not self._arm:
                arm.opening = 1.0
                arm.setpoint.move(arm.home, 0.0)
        return self._action()

    def _next_object(self) -> None:
        left = [
            name for name in self._world.task.objects if not self._delivered(name) and self._reachable(name)
        ]
        if not left:
            return
        self._target = max(left, key=lambda name: self._world.object_position(name)[1])
        self._arm = self._arms[self._choice[self._target]]
        self._enter(ArmStage.HOVER)
        self._yaw = self._grasp_yaw(self._target)

    def _reachable(self, name: str) -> bool:
        x, y, z = self._world.object_position(name)
        return bool(z > -0.05 and 0.15 < x < 0.75 and abs(y) < 0.6)

    def _grasp_yaw(self, name: str) -> float:
        if not thing(name).elongated:
            return 0.0
        yaw = self._world.object_yaw(name)
        return float((yaw + np.pi / 2) % np.pi - np.pi / 2)

    def _enter(self, stage: ArmStage) -> None:
        self._stage, self._ticks = stage, 0

    def _work(self, name: str) -> None:
        self._ticks += 1
        arm = self._arm
        if self._stage in (ArmStage.HOVER, ArmStage.DESCEND, ArmStage.CLOSE):
            self._grasp(arm, name, self._world.object_position(name), thing(name).grasp_height)
        elif self._stage in (ArmStage.LIFT, ArmStage.CARRY, ArmStage.LOWER):
            self._transport(arm, name)
        else:
            self._release(arm)

    def _grasp(self, arm: _Arm, name: str, at: Floats, grasp_height: float) -> None:
        goal = np.array([at[0], at[1], grasp_height])
        hover = np.array([at[0], at[1], _HOVER_M])
        if self._stage is ArmStage.HOVER:
            arm.opening = 1.0
            self._yaw = self._grasp_yaw(name)
            arm.setpoint.move(hover, self._yaw)
            if arm.setpoint.near(hover, 0.02) and abs(arm.setpoint.yaw - self._yaw) < 0.1:
                self._enter(ArmStage.DESCEND)
        elif self._stage is ArmStage.DESCEND:
            arm.setpoint.move(goal, self._yaw, slow=0.6)
            if arm.setpoint.near(goal, _NEAR_M) and self._tool_near(arm, goal):
                self._enter(ArmStage.CLOSE)
        else:
            arm.opening = 0.0
            if self._ticks >= _CLOSE_TICKS:
                self._enter(ArmStage.LIFT if self._holds(arm, name) else ArmStage.LEAVE)

    def _tool_near(self, arm: _Arm, goal: Floats) -> bool:
        tool = self._world.tool_position(self._world.robot.arms[arm.index].name)
        return float(np.linalg.norm(tool - goal)) < 1.5 * _NEAR_M

    def _holds(self, arm: _Arm, name: str) -> bool:
        return self._world.touched()[self._world.robot.gripper_names[arm.index]] == name

    def _transport(self, arm: _Arm, name: str) -> None:
        box = self._world.layout.fixtures["container"]
        side = _SLOT_M if arm.index == 0 else -_SLOT_M
        over = np.array([box.x + thing(name).slot, box.y + side, _CARRY_M])
        if self._stage is ArmStage.LIFT:
            up = arm.setpoint.position.copy()
            up[2] = _CARRY_M
            arm.setpoint.move(up, self._yaw, slow=0.8)
            if arm.setpoint.position[2] > 0.7 * _CARRY_M:
                self._enter(ArmStage.CARRY if self._holds(arm, name) else ArmStage.LEAVE)
        elif self._stage is ArmStage.CARRY:
            arm.setpoint.move(over, 0.0)
            if arm.setpoint.near(over, 0.03):
                self._enter(ArmStage.LOWER)
            elif not self._holds(arm, name) and self._ticks % 5 == 0:
                self._enter(ArmStage.LEAVE)
        else:
            low = np.array([over[0], over[1], _RELEASE_M])
            arm.setpoint.move(low, 0.0, slow=0.6)
            if arm.setpoint.near(low, 0.012) and self._tool_near(arm, low):
                self._enter(ArmStage.OPEN)

    def _release(self, arm: _Arm) -> None:
        arm.opening = 1.0
        up = arm.setpoint.position.copy()
        up[2] = _CARRY_M
        if self._stage is ArmStage.OPEN:
            arm.setpoint.move(arm.setpoint.position, 0.0)
            if self._ticks >= _OPEN_TICKS:
                self._enter(ArmStage.LEAVE)
            return
        arm.setpoint.move(up, arm.setpoint.yaw)
        if arm.setpoint.position[2] > 0.8 * _CARRY_M:
            self._target = None

    def _action(self) -> Floats:
        poses = np.zeros(self._space.dim)
        for arm, config in zip(self._arms, self._world.robot.arms, strict=True):
            poses[self._space.slice(f"{config.name}_position")] = arm.setpoint.position
            poses[self._space.slice(f"{config.name}_rotation")] = (0.0, 0.0, arm.setpoint.yaw)
            poses[self._space.slice(f"{config.name}_gripper")] = arm.opening
        return self._own.action(poses)


def create(world: Episode, seed: int) -> PickPlaceExpert:
    """An expert for a task with objects and a box called `container`."""
    return PickPlaceExpert(world, seed)
