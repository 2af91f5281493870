"""Planned moves, for every robot that there is: inside the limits, free of touches, and refused with names."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import pytest

from segue_control.node.planner import create_planner
from segue_control.planning.built_in import BuiltInPlanner
from segue_control.planning.choice import moveit_is_there
from segue_control.planning.collision import CollisionModel
from segue_control.planning.scene import Obstacle, Scene, Shape, contract_scene
from segue_control.planning.trajectory import JointTrajectory
from segue_control.robot.kinematics import Kinematics
from segue_control.robot.limits import JointLimits, joint_limits
from segue_control.robot.model import robot_spec
from segue_core.contracts.base import load_yaml
from segue_core.contracts.planning import ObstacleConfig, PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ControlError, ErrorCode

ROBOTS = sorted((Path(__file__).parents[3] / "config" / "robots").glob("*.yaml"))
REACH_RAD, REACH_M = (
    0.8,
    0.25,
)  # how far the first joint of the first arm, and with it its tool, is from home at least


@dataclass(frozen=True)
class Cell:
    """A robot, its planner, and two poses with a free straight way between them."""

    robot: RobotConfig
    planner: BuiltInPlanner
    kinematics: Kinematics
    limits: JointLimits
    away: np.ndarray
    home: np.ndarray

    def post(self) -> Scene:
        """A thin post in the middle of the straight way, where the first tool would come past."""
        middle = self.kinematics.poses(0.5 * (self.away + self.home)).positions[0]
        return Scene((Obstacle("post", Shape.CYLINDER, (0.03, 0.2), tuple(middle.tolist())),))


@pytest.fixture(scope="module", params=ROBOTS, ids=lambda path: path.stem)
def cell(request: pytest.FixtureRequest) -> Cell:
    robot = load_yaml(request.param.read_text(encoding="utf-8"), RobotConfig, str(request.param))
    patient = (robot.planning or PlanningConfig()).model_copy(
        update={"search_s": 60.0}
    )  # on a busy machine too
    robot = robot.model_copy(update={"planning": patient})
    kinematics = Kinematics(robot)
    home = np.array(robot.pose_rad("home"))
    away = home.copy()
    away[0] += max(REACH_RAD, REACH_M / float(np.linalg.norm(kinematics.jacobians(home)[0][:3, 0])))
    limits = joint_limits(robot, kinematics.low, kinematics.high)
    return Cell(robot, BuiltInPlanner(robot), kinematics, limits, away, home)


@pytest.fixture(scope="module")
def straight(cell: Cell) -> JointTrajectory:
    return cell.planner.plan(cell.away, cell.home, contract_scene(cell.robot))


def test_a_free_way_is_straight_and_leads_from_rest_to_rest(cell: Cell, straight: JointTrajectory) -> None:
    assert straight.found_by == "straight"
    np.testing.assert_allclose(straight.positions[0], cell.away, atol=1e-9)
    np.testing.assert_allclose(straight.positions[-1], cell.home, atol=1e-9)
    assert np.abs(straight.velocities[[0, -1]]).max() < 1e-9
    off_the_line = np.delete(straight.positions - cell.home, 0, axis=1)
    assert np.abs(off_the_line).max() < 1e-9


def test_speed_acceleration_and_jerk_stay_inside_the_shares_of_the_limits(
    cell: Cell, straight: JointTrajectory
) -> None:
    shares = cell.robot.planning or PlanningConfig()
    period_s = 1.0 / cell.robot.control_rate_hz
    steps = np.diff(straight.rows(cell.robot.control_rate_hz)[:-1], axis=0)  # the last one is shorter
    for order, bound in enumerate(
        (
            shares.velocity_share * cell.limits.velocity,
            shares.acceleration_share * cell.limits.acceleration,
            shares.jerk_share * cell.limits.jerk,
        )
    ):
        rates = np.abs(np.diff(steps, n=order, axis=0)) / period_s ** (order + 1)
        assert (rates <= bound * 1.001 + 1e-6).all(), order
    fastest = np.abs(straight.velocities[:, 0]).max()
    assert fastest > 0.5 * shares.velocity_share * cell.limits.velocity[0], "it dawdles"


def test_what_stands_in_the_way_is_avoided_with_half_the_clearance_left_between_the_samples(
    cell: Cell,
) -> None:
    trajectory = cell.planner.plan(cell.away, cell.home, cell.post())
    assert trajectory.found_by in ("lifted", "rrt_connect")
    half = CollisionModel(cell.robot, cell.post(), 0.4 * PlanningConfig().clearance_m)
    for q in trajectory.positions:
        assert half.touches(q) == ()
    np.testing.assert_allclose(trajectory.positions[-1], cell.home, atol=1e-9)


def test_a_goal_inside_something_is_refused_with_the_names_of_both(cell: Cell) -> None:
    tool = cell.kinematics.poses(cell.home).positions[0]
    scene = Scene((Obstacle("crate", Shape.BOX, (0.1, 0.1, 0.1), tuple(tool.tolist())),))
    with pytest.raises(ControlError, match="goal pose: .* and obstacle crate") as refused:
        cell.planner.plan(cell.away, cell.home, scene)
    assert refused.value.code is ErrorCode.CONTROL_COLLISION


def test_the_plan_followed_by_the_simulated_motors_arrives(cell: Cell, straight: JointTrajectory) -> None:
    model = robot_spec(cell.robot).compile()
    data = mujoco.MjData(model)
    joints = [model.joint(name).qposadr[0] for name in cell.robot.joint_names]
    motors = [model.actuator(name).id for name in cell.robot.joint_names]
    data.qpos[joints] = data.ctrl[motors] = cell.away
    steps = round(1.0 / (cell.robot.control_rate_hz * cell.robot.physics_step_s))
    rest = [cell.home] * round(cell.robot.control_rate_hz)
    for q in [*straight.rows(cell.robot.control_rate_hz), *rest]:
        data.ctrl[motors] = q
        mujoco.mj_step(model, data, steps)
    assert np.abs(data.qpos[joints] - cell.home).max() < 0.02


@pytest.fixture(scope="module")
def planner(robot: RobotConfig) -> BuiltInPlanner:
    return BuiltInPlanner(robot)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda q: q[:-1], ErrorCode.CONTROL_WRONG_SHAPE, "goal pose"),
        (lambda q: np.where(np.arange(q.size) == 2, np.inf, q), ErrorCode.CONTROL_NOT_FINITE, "left_joint3"),
        (lambda q: q + 10.0, ErrorCode.CONTROL_LIMIT, "outside its limits; got .* rad; expected"),
    ],
)
def test_a_malformed_goal_is_refused(robot: RobotConfig, planner: BuiltInPlanner, change, code, text) -> None:  # type: ignore[no-untyped-def]
    home = np.array(robot.pose_rad("home"))
    with pytest.raises(ControlError, match=text) as refused:
        planner.plan(home, change(home), Scene())
    assert refused.value.code is code


def test_a_hand_may_leave_what_it_touches_and_not_press_deeper(robot: RobotConfig) -> None:
    home = np.array(robot.pose_rad("home"))
    tool = Kinematics(robot).poses(home).positions[0]
    ball = Obstacle("ball", Shape.SPHERE, (0.1,), tuple((tool - [0.0, 0.0, 0.055]).tolist()))
    collisions = CollisionModel(robot, Scene((ball,)), 0.02)
    near = collisions.touches(home)
    assert {touch.with_obstacle for touch in near} == {True}
    collisions.leave(near)
    assert collisions.touches(home) == ()
    lower = home.copy()
    lower[1] += 0.05
    assert collisions.touches(lower) != ()


def test_obstacles_of_the_contract_count_and_a_wrong_size_is_refused_by_name(robot: RobotConfig) -> None:
    wall = ObstacleConfig(shape="box", size=(0.1, 2.0, 1.0), position=(-0.5, 0.0, 0.5))
    planning = PlanningConfig(obstacles={"wall": wall})
    assert contract_scene(robot.model_copy(update={"planning": planning})).obstacles[0].name == "wall"
    with pytest.raises(ConfigError, match="size of obstacle 'pole'.*2 positive numbers for a cylinder"):
        Obstacle("pole", Shape.CYLINDER, (0.1,), (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("size", "position", "turn"),
    [
        (float("nan"), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)),
        (0.1, (0.0, float("inf"), 0.0), (1.0, 0.0, 0.0, 0.0)),
        (0.1, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_an_obstacle_whose_numbers_are_no_place_is_refused(
    size: float, position: tuple[float, float, float], turn: tuple[float, float, float, float]
) -> None:
    """One of NaN was taken, and stood nowhere."""
    with pytest.raises(ConfigError, match="obstacle 'ball'; got .*; expected finite numbers and a unit"):
        Obstacle("ball", Shape.SPHERE, (size,), position, turn)


def test_of_two_obstacles_of_one_name_the_newer_counts() -> None:
    old, new, other = (
        Obstacle(name, Shape.SPHERE, (size,), (0.0, 0.0, 0.0))
        for name, size in (("a", 1.0), ("a", 2.0), ("b", 1.0))
    )
    assert (Scene((old, other)) + Scene((new,))).obstacles == (other, new)


def test_the_built_in_planner_stands_in_where_moveit_is_not(robot: RobotConfig) -> None:
    assert isinstance(create_planner(robot), BuiltInPlanner)
    with pytest.raises(ConfigError, match="unknown planner 'move_it'.*did you mean 'moveit'"):
        create_planner(robot, "move_it")


def test_moveit_is_asked_for_by_name_and_refused_in_one_sentence_that_says_what_is_missing(
    robot: RobotConfig,
) -> None:
    with pytest.raises(
        ConfigError, match="names no planning group for MoveIt. What to do: give planning.moveit"
    ):
        create_planner(robot, "moveit")
    if moveit_is_there():
        pytest.skip("MoveIt is installed here")
    planning = PlanningConfig(moveit_group="both_arms")
    grouped = robot.model_copy(update={"planning": planning})
    assert isinstance(create_planner(grouped, "auto"), BuiltInPlanner)
    with pytest.raises(
        ConfigError, match="apt install ros-.*-moveit-py, or use planner:=built_in"
    ) as refused:
        create_planner(grouped, "moveit")
    assert refused.value.code is ErrorCode.ENVIRONMENT_INCOMPLETE
    assert "\n" not in refused.value.text


def test_every_named_pose_of_the_contract_is_reached_from_home(cell: Cell) -> None:
    for name in (cell.robot.planning or PlanningConfig()).poses:
        goal = np.array(cell.robot.pose_rad(name))
        trajectory = cell.planner.plan(cell.home, goal, contract_scene(cell.robot))
        np.testing.assert_allclose(trajectory.positions[-1], goal, atol=1e-9)


def test_a_scene_is_looked_at_without_what_plans_in_it() -> None:
    """A third of the time that the simulator took to be imported was for splines that it never draws."""
    code = "import sys, segue_control.planning.scene; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
