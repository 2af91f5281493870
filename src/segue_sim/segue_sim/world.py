"""The simulated world: a robot and the things of a task, stepped by MuJoCo, seen through the robot's cameras."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_control.commands import JointCommand
from segue_control.robot.held import place_held
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled, refuse_tools_outside
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig, check_robot
from segue_core.errors import unknown_name
from segue_sim import parts
from segue_sim.cameras import CameraRig
from segue_sim.drives import Drives, DriveState
from segue_sim.frames import Frame, frame_of
from segue_sim.grippers import Grippers
from segue_sim.layout import Layout, Placement
from segue_sim.objects import add_thing, thing
from segue_sim.parts.base import Part, set_free_pose
from segue_sim.room import add_room, paint_room
from segue_sim.shapes import seeds_colour
from segue_sim.variation import Randomiser, Variation, add_variation

PartT = TypeVar("PartT", bound=Part)


def world_spec(robot: RobotConfig, task: TaskConfig, fixtures: Mapping[str, Part]) -> mujoco.MjSpec:
    """MuJoCo description of the robot, what it stands on, the fixtures and the objects of a task."""
    spec = robot_spec(robot)
    add_room(spec, robot)
    for part in fixtures.values():
        part.build(spec)
    for name in task.objects:
        add_thing(spec, name, task.things)
    add_variation(spec, task)
    return spec


class World:
    """Physics and cameras; `segue_sim.episode` decides what is where. Not thread-safe; the calling thread renders."""

    def __init__(
        self,
        robot: RobotConfig,
        task: TaskConfig,
        render: bool = True,
        dress: Callable[[mujoco.MjSpec, RobotConfig], None] | None = None,
    ) -> None:
        check_robot(task, robot.name)
        self.robot, self.task = robot, task
        self._parts = {name: parts.create(name, fixture) for name, fixture in task.fixtures.items()}
        spec = world_spec(robot, task, self._parts)
        if dress is not None:  # what only spectators see
            dress(spec, robot)
        self.model = compiled(robot, spec)
        self.data = mujoco.MjData(self.model)
        self._joints = [self.model.joint(name) for name in robot.joint_names]
        self._qpos = np.array([joint.qposadr[0] for joint in self._joints])
        self._dof = np.array([joint.dofadr[0] for joint in self._joints])
        self._drives = Drives(self.model, robot)
        self._grippers = Grippers(self.model, robot)
        self._object_ids = {name: self.model.body(name).id for name in task.objects}
        self._rig = CameraRig(self.model, robot.cameras) if render else None
        self._steps_per_tick = round(1.0 / (robot.tick_rate_hz * robot.physics_step_s))
        self._graspable = self._bodies_to_grasp()
        self._randomiser = Randomiser(self.model, task.object_height_m)
        self._steps = 0
        self._refuse_start_outside()

    def _refuse_start_outside(self) -> None:
        data = mujoco.MjData(self.model)
        data.qpos[self._qpos] = self.robot.pose_rad(self.task.start_pose)
        place_held(self.robot, self.model, data)
        mujoco.mj_kinematics(self.model, data)
        tools = [data.site(f"{arm.name}_tool").xpos for arm in self.robot.arms]
        refuse_tools_outside(self.robot, self.task.start_pose, tools)

    def _bodies_to_grasp(self) -> dict[str, frozenset[int]]:
        """Bodies by the name of what a gripper holds when opposed fingers of it touch one of them."""
        names: dict[str, tuple[str, ...]] = {name: (name,) for name in self.task.objects}
        for part in self._parts.values():
            names.update(part.graspable())
        return {
            name: frozenset(int(self.model.body(body).id) for body in bodies)
            for name, bodies in names.items()
        }

    def arrange(self, layout: Layout, variation: Variation) -> None:
        """Time 0: the robot at the task's start pose, grippers open, things where `layout` and `variation` say."""
        self.layout, self.variation = layout, variation
        mujoco.mj_resetData(self.model, self.data)
        start = np.array(self.robot.pose_rad(self.task.start_pose))
        self.data.qpos[self._qpos] = start
        place_held(self.robot, self.model, self.data, self.task.held)
        self._grippers.open(self.data)
        self.apply(start, np.ones(len(self.robot.arms)))
        for part in self._parts.values():
            part.place(self.model, self.data, layout)
        for name, place in layout.objects.items():
            self._place_object(name, place)
        self._paint()
        self._randomiser.arrange(self.data, variation)
        self._steps = 0
        mujoco.mj_forward(self.model, self.data)

    def _place_object(self, name: str, place: Placement) -> None:
        kind = thing(name, self.task.things)
        position = (place.x, place.y, self.task.object_height_m + kind.rest_height + 0.001)
        set_free_pose(self.model, self.data, name, position, place.yaw, kind.turn)

    def _paint(self) -> None:
        for name, body in self._object_ids.items():
            self.model.geom_rgba[seeds_colour(self.model, body), :3] = self.layout.objects[name].colour
        paint_room(self.model, self.robot, self.layout.table_tint, self.layout.light)

    def shift_object(self, name: str, offset: Floats) -> None:
        """Somebody moves an object by `offset` (3,) [m] between two ticks."""
        address = int(self.model.joint(name).qposadr[0])
        self.data.qpos[address : address + 3] += offset
        mujoco.mj_forward(self.model, self.data)

    @property
    def time(self) -> float:
        """Simulated time since reset [s]."""
        return self._steps * self.robot.physics_step_s

    @property
    def tick(self) -> int:
        """Whole control ticks since reset."""
        return self._steps // self._steps_per_tick

    @property
    def clearances(self) -> dict[str, float]:
        """Room that each fixture needs around it [m], by its name."""
        return {name: part.clearance for name, part in self._parts.items()}

    @cached_property
    def kinematics(self) -> Kinematics:
        """The robot's kinematics, for experts of robots that are told joints."""
        return Kinematics(self.robot)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the arm joints in the order of every joint array here."""
        return self.robot.joint_names

    def joint_positions(self) -> Floats:
        """Measured arm joint positions (n,) [rad]."""
        return np.array(self.data.qpos[self._qpos], dtype=np.float64)

    def joint_velocities(self) -> Floats:
        """Measured arm joint velocities (n,) [rad/s]."""
        return np.array(self.data.qvel[self._dof], dtype=np.float64)

    def gripper_positions(self) -> Floats:
        """Measured openings (arms,), 0 closed to 1 open."""
        return self._grippers.measured(self.data)

    def finger_positions(self) -> tuple[Floats, Floats]:
        """Measured finger joints [m or rad] and their speeds, in the order of the contract's `finger_names`."""
        return self._grippers.finger_joints(self.data)

    def apply(
        self,
        positions: Floats,
        grippers: Floats,
        velocities: Floats | None = None,
        efforts: Floats | None = None,
    ) -> None:
        """Tells the motors of the arms (n,) positions [rad], velocities [rad/s] or torques [N m]: the last given.

        `grippers` are openings (arms,) in [0, 1].
        """
        self._drives.follow(self.data, positions, velocities, efforts)
        self._grippers.command(self.data, np.asarray(grippers))

    def follow(self, command: JointCommand) -> None:
        """Does what a controller commands."""
        self.apply(command.q, command.grippers, command.velocities, command.efforts)

    def hold(self) -> None:
        """Brakes by itself, because nobody commands: motors that were told positions keep them."""
        self._drives.hold(self.data)

    def forget_commands(self) -> None:
        """The joints were put somewhere else: the motors begin anew from where they are."""
        self._drives.restore(DriveState())

    def advance(self, seconds: float) -> None:
        """Steps the physics for `seconds`."""
        for _ in range(round(seconds / self.robot.physics_step_s)):
            self._step()

    def _step(self) -> None:
        """One step of the physics."""
        self._drives.run(self.data, self.robot.physics_step_s)
        mujoco.mj_step(self.model, self.data)
        self._steps += 1

    def render(self) -> dict[str, NDArray[np.uint8]]:
        """What each camera of the robot sees now: RGB (height, width, 3)."""
        if self._rig is None:
            raise RuntimeError("this world was made with render=False")
        return self._rig.render(self.data)

    def tool_position(self, arm: str) -> Floats:
        """Position of an arm's tool centre point (3,) [m]."""
        return np.array(self.data.site(f"{arm}_tool").xpos, dtype=np.float64)

    def tool_positions(self) -> list[Floats]:
        """Tool centre points (3,) [m], arm by arm."""
        return [self.tool_position(arm.name) for arm in self.robot.arms]

    def close(self) -> None:
        """Frees the rendering contexts, if any."""
        if self._rig is not None:
            self._rig.close()

    def object_position(self, name: str) -> Floats:
        """True position of an object (3,) [m], for experts and judges; policies never see it."""
        return np.array(self.data.xpos[self._object_ids[name]], dtype=np.float64)

    def frame(self, name: str) -> Frame:
        """Where an object, a fixture's body or a named place is, or `table`: the origin of the base frame.

        Raises:
            ConfigError: nothing of that name; the nearest valid one is named.
        """
        return frame_of(self.model, self.data, name)

    def object_yaw(self, name: str) -> float:
        """True yaw of an object's x axis [rad], for experts and judges."""
        axis = self.data.xmat[self._object_ids[name]].reshape(3, 3)[:, 0]
        return float(np.arctan2(axis[1], axis[0]))

    def object_up(self, name: str) -> float:
        """Height of an object's own z axis: 1 upright, 0 lying, -1 upside down; for experts and judges."""
        return float(self.data.xmat[self._object_ids[name]][8])

    def part(self, name: str, kind: type[PartT]) -> PartT:
        """The fixture `name`, which must be a `kind`.

        Raises:
            ConfigError: the task has no such fixture; the ones that it has are listed.
        """
        found = self._parts.get(name)
        if not isinstance(found, kind):
            fitting = [n for n, part in self._parts.items() if isinstance(part, kind)]
            raise unknown_name(f"{kind.__name__.lower()} of task '{self.task.name}'", name, fitting)
        return found

    def commanded_openings(self) -> dict[str, float]:
        """What each gripper is told, 0 closed to 1 open, by gripper name."""
        return dict(zip(self.robot.gripper_names, self._grippers.commanded(self.data).tolist(), strict=True))

    def touched(self) -> dict[str, str | None]:
        """For each gripper the object, or what of a fixture, that opposed fingers of it touch."""
        pairs = self._contacts()
        found: dict[str, str | None] = dict.fromkeys(self.robot.gripper_names)
        for name, bodies in self._graspable.items():
            for gripper, held in zip(found, self._grippers.holding(pairs, bodies), strict=True):
                if held and found[gripper] is None:
                    found[gripper] = name
        return found

    def _contacts(self) -> set[tuple[int, int]]:
        bodies = self.model.geom_bodyid[self.data.contact.geom]  # (ncon, 2)
        return {(int(a), int(b)) for a, b in bodies} | {(int(b), int(a)) for a, b in bodies}
