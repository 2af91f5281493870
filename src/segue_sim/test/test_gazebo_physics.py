"""In Gazebo's own physics (DART, as Fortress has it) the written worlds and robots do what they do in MuJoCo."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gazebo_physics
import mujoco
import numpy as np
import pytest

from segue_control.robot.held import place_held
from segue_control.robot.model import robot_spec
from segue_core.contracts.robot import RobotConfig
from segue_sim.episode import Episode
from segue_sim.gazebo.joints import joint_name, joints_of
from segue_sim.gazebo.robot import robot_urdf
from segue_sim.gazebo.write import GazeboFiles, write_gazebo
from segue_sim.surroundings import robot_bodies
from segue_sim.testing import ROBOTS, load_robot, load_task, task_names

_MISSING = gazebo_physics.missing()
pytestmark = pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING))

_SECONDS = 2.0
_APART_M, _TURNED_RAD = 2.5e-3, 0.02  # contacts are softer in MuJoCo: things stand up to 1 mm deeper
_ROLLS_M = 3e-3  # what MuJoCo itself lets roll or slide this far is compared by height alone
_HELD_RAD = 5e-3
_SWING_S, _SWING_STEP_S = 0.1, 2.5e-4  # short steps: the engines' integrators are not what is compared
_WEIGHTLESS = '<sdf version="1.9"><world name="w"><gravity>0 0 0</gravity></world></sdf>'


@dataclass(frozen=True)
class Case:
    """A task's world in MuJoCo, before anything moved, and Gazebo's files of the same moment."""

    world: Episode
    files: GazeboFiles
    starts: dict[str, float]  # of all joints of the robot, by name

    @property
    def step_s(self) -> float:
        return self.world.robot.physics_step_s

    def scenery(self) -> list[int]:
        robot = robot_bodies(self.world.model, tuple(arm.name for arm in self.world.robot.arms))
        return [body for body in range(1, self.world.model.nbody) if body not in robot]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gazebo_physics.build(tmp_path_factory.mktemp("settle"))


@pytest.fixture(scope="module", params=task_names())
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    task = load_task(request.param)
    robot = load_robot(task.robot)
    files = write_gazebo(robot, task, 1, tmp_path_factory.mktemp(request.param))
    world = Episode(robot, task, 1, render=False)
    names = [*robot.joint_names]
    names += [f"{arm.name}_{finger}" for arm in robot.arms for finger in arm.gripper.finger_joints]
    yield Case(world, files, {name: float(world.data.joint(name).qpos[0]) for name in names})
    world.close()


def test_everything_comes_to_rest_where_it_does_in_mujoco_and_the_robot_stands(
    program: Path, case: Case
) -> None:
    model, data = case.world.model, case.world.data
    first = data.xpos.copy()
    files = [case.files.world, case.files.robot]
    there = gazebo_physics.settle(program, case.step_s, _SECONDS, files, hold=case.starts)
    case.world.advance(_SECONDS)
    links = {name: pose for (_, name), pose in there.links.items()}
    for body in case.scenery():
        name = str(model.body(body).name)
        apart = links[name][:3] - data.xpos[body]
        rolled = np.linalg.norm((data.xpos[body] - first[body])[:2]) > _ROLLS_M
        assert np.linalg.norm(apart[2:] if rolled else apart) < _APART_M, (name, apart)
        turned = 2 * np.arccos(min(1.0, abs(float(links[name][3:] @ data.xquat[body]))))
        assert rolled or turned < _TURNED_RAD, (name, turned)
    for name, start in case.starts.items():
        assert there.joints[name] == pytest.approx(start, abs=_HELD_RAD), name


def test_what_is_pushed_goes_as_far_as_in_mujoco(program: Path, case: Case) -> None:
    """Springs, damping, friction, limits and inertias at once: each joint of the scenery starts with a speed."""
    model, data = case.world.model, case.world.data
    joints = [joint for body in case.scenery() for joint in joints_of(model, body)]
    single = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
    joints = [joint for joint in joints if model.jnt_type[joint] in single]
    if not joints:
        return
    case.world.reset(1)
    _forget_what_gazebo_cannot_say(model)
    inwards = {joint: _inwards(model, data, joint) for joint in joints}
    for joint, speed in inwards.items():
        data.qvel[model.jnt_dofadr[joint]] = speed
    before = np.array([data.qpos[model.jnt_qposadr[joint]] for joint in joints])
    pushes = {joint_name(model, joint): speed for joint, speed in inwards.items()}
    there = gazebo_physics.settle(program, case.step_s, 0.3, [case.files.world], push=pushes)
    case.world.advance(0.3)
    after = np.array([data.qpos[model.jnt_qposadr[joint]] for joint in joints])
    moved = np.array([there.joints[name] for name in pushes])
    for name, here, gazebo in zip(pushes, after - before, moved, strict=True):
        assert gazebo == pytest.approx(here, rel=0.15, abs=5e-4), name


def _forget_what_gazebo_cannot_say(model: mujoco.MjModel) -> None:
    """See `segue_sim.gazebo.unsaid`."""
    model.dof_armature[:] = 0
    model.tendon_stiffness[:], model.tendon_damping[:], model.tendon_limited[:] = 0, 0, 0


def _inwards(model: mujoco.MjModel, data: mujoco.MjData, joint: int) -> float:
    """A speed away from the nearer limit [rad/s or m/s]."""
    speed = 1.0 if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_HINGE else 0.5
    low, high = model.jnt_range[joint]
    upper_half = data.qpos[model.jnt_qposadr[joint]] > (low + high) / 2
    return -speed if model.jnt_limited[joint] and upper_half else speed


@pytest.mark.parametrize("name", sorted(path.stem for path in ROBOTS.glob("*.yaml")))
def test_a_robot_swings_as_in_mujoco(program: Path, tmp_path: Path, name: str) -> None:
    """Inertias, damping, friction and axes of the URDF: no gravity, no motors, every joint starts with a speed."""
    robot = load_robot(name)
    urdf = tmp_path / "robot.urdf"
    urdf.write_text(robot_urdf(robot, tmp_path, tmp_path / "controllers.yaml"), encoding="utf-8")
    weightless = tmp_path / "world.sdf"
    weightless.write_text(_WEIGHTLESS, encoding="utf-8")
    model, data = _swinging(robot)
    joints = [*robot.joint_names]
    joints += [f"{arm.name}_{finger}" for arm in robot.arms for finger in arm.gripper.finger_joints]
    starts = {joint: float(data.joint(joint).qpos[0]) for joint in joints}
    speeds = {joint: (-0.5) ** (index % 2) * _speed(robot, joint) for index, joint in enumerate(joints)}
    for joint, speed in speeds.items():
        data.joint(joint).qvel[0] = speed
    files = [weightless, urdf]
    there = gazebo_physics.settle(program, _SWING_STEP_S, _SWING_S, files, start=starts, push=speeds)
    mujoco.mj_step(model, data, round(_SWING_S / _SWING_STEP_S))
    for joint, start in starts.items():
        here = float(data.joint(joint).qpos[0]) - start
        slides = model.joint(joint).type[0] == mujoco.mjtJoint.mjJNT_SLIDE
        least = 1e-4 if slides else 1e-3  # limits are softer in MuJoCo
        assert there.joints[joint] - start == pytest.approx(here, rel=0.02, abs=least), joint


def _speed(robot: RobotConfig, joint: str) -> float:
    """[rad/s] of an arm's joint, a tenth of its travel per second of a finger."""
    for arm in robot.arms:
        for index, finger in enumerate(arm.gripper.finger_joints):
            if joint == f"{arm.name}_{finger}":
                return 0.1 * (arm.gripper.closed[index] - arm.gripper.opened[index])
    return 0.5


def _swinging(robot: RobotConfig) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """The robot at home in MuJoCo as a bare mechanism: what Gazebo cannot say is left out, held joints do not move."""
    model = robot_spec(robot).compile()
    kind = mujoco.mjtDisableBit
    model.opt.disableflags |= kind.mjDSBL_ACTUATION | kind.mjDSBL_EQUALITY | kind.mjDSBL_CONTACT
    model.opt.gravity[:], model.opt.timestep = 0, _SWING_STEP_S
    model.dof_solref[:] = 2 * _SWING_STEP_S, 1.0  # dry friction as hard as in DART
    model.dof_solimp[:, :2] = 0.9999
    _forget_what_gazebo_cannot_say(model)
    data = mujoco.MjData(model)
    place_held(robot, model, data, {})
    for arm in robot.arms:
        for held in arm.held or ():
            model.dof_armature[model.joint(f"{arm.name}_{held.joint}").dofadr[0]] = 1e9
        for finger, opened in zip(arm.gripper.finger_joints, arm.gripper.opened, strict=True):
            data.joint(f"{arm.name}_{finger}").qpos[0] = opened
    for joint, angle in zip(robot.joint_names, robot.pose_rad("home"), strict=True):
        data.joint(joint).qpos[0] = angle
    return model, data
