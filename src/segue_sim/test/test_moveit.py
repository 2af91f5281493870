"""What MoveIt is told of a robot agrees with its URDF, with its collisions, and with what MoveIt's sources read."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import mujoco
import numpy as np
import pytest

from segue_control.planning.moveit_parameters import (
    move_group_parameters,
    moveit_parameters,
    parameter_file,
)
from segue_control.planning.touching_links import unchecked_pairs
from segue_core.contracts.base import load_yaml
from segue_core.contracts.planning import PlanningConfig
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import ConfigError, ErrorCode
from segue_sim.description.urdf import description

ROBOTS = sorted((Path(__file__).parents[3] / "config" / "robots").glob("*.yaml"))


@cache
def _robot(name: str) -> RobotConfig:
    path = ROBOTS[0].with_stem(name)
    return load_yaml(path.read_text(), RobotConfig, name)


def _with_group(robot: RobotConfig) -> RobotConfig:
    planning = robot.planning or PlanningConfig()
    group = planning.moveit_group or "everything"
    return robot.model_copy(update={"planning": planning.model_copy(update={"moveit_group": group})})


class Told:
    """A robot, its URDF with links and joints by name, and MoveIt's parameters."""

    def __init__(self, robot: RobotConfig, folder: Path) -> None:
        self.robot, self.text = robot, description(robot, folder)
        urdf = xml.fromstring(self.text)
        self.links = {link.get("name", ""): link for link in urdf.findall("link")}
        self.joints = {joint.get("name", ""): joint for joint in urdf.findall("joint")}
        self.above = {self._end(joint, "child"): joint for joint in self.joints.values()}
        self.parameters = moveit_parameters(robot, self.text)
        self.srdf = xml.fromstring(self.parameters["robot_description_semantic"])

    @staticmethod
    def _end(joint: xml.Element, tag: str) -> str:
        return str(joint.find(tag).get("link"))  # type: ignore[union-attr]

    def parent(self, link: str) -> str:
        """The link that carries `link`; "" for the root."""
        return self._end(self.above[link], "parent") if link in self.above else ""

    def chain(self, base: str, tip: str) -> list[str]:
        """Links from `base` to `tip`; fails when they are not connected."""
        links = [tip]
        while links[-1] != base:
            links.append(self.parent(links[-1]))
            assert links[-1], f"{tip} does not hang on {base}"
        return links[::-1]

    def moving(self, links: list[str]) -> list[str]:
        """Names of the joints between the links of a chain that move."""
        between = [self.above[link] for link in links[1:]]
        return [joint.get("name", "") for joint in between if joint.get("type") != "fixed"]

    def group(self, name: str) -> list[str]:
        """The moving joints of a group, in its order."""
        group = next(one for one in self.srdf.findall("group") if one.get("name") == name)
        found = [joint.get("name", "") for joint in group.findall("joint")]
        for chain in group.findall("chain"):
            found += self.moving(self.chain(chain.get("base_link", ""), chain.get("tip_link", "")))
        for part in group.findall("group"):
            found += self.group(part.get("name", ""))
        return found

    def unchecked(self) -> dict[tuple[str, str], str]:
        """Pairs of links that MoveIt does not look at, and why."""
        pairs = self.srdf.findall("disable_collisions")
        return {(str(one.get("link1")), str(one.get("link2"))): str(one.get("reason")) for one in pairs}


@pytest.fixture(scope="module")
def all_told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Told]:
    """What MoveIt is told of a robot, made once: seconds of work."""
    return cache(lambda name: Told(_with_group(_robot(name)), tmp_path_factory.mktemp(name)))


@pytest.fixture(params=[path.stem for path in ROBOTS])
def told(request: pytest.FixtureRequest, all_told: Callable[[str], Told]) -> Told:
    return all_told(request.param)


@pytest.fixture
def franka(all_told: Callable[[str], Told]) -> Told:
    return all_told("franka")


def test_the_franka_ships_with_a_planning_group() -> None:
    planning = _robot("franka").planning
    assert planning is not None and planning.moveit_group == "arm"


def test_groups_are_connected_chains_of_the_contracts_joints_in_its_order(told: Told) -> None:
    robot = told.robot
    for arm in robot.arms:
        assert told.group(arm.name) == list(arm.joint_names())
        assert set(told.group(f"{arm.name}_gripper")) <= set(robot.finger_names)
    assert robot.planning is not None and robot.planning.moveit_group
    assert told.group(robot.planning.moveit_group) == list(robot.joint_names)
    names = [group.get("name") for group in told.srdf.findall("group")]
    assert len(names) == len(set(names))


def test_named_poses_tell_every_joint_of_their_group_inside_its_limits(told: Told) -> None:
    states = told.srdf.findall("group_state")
    assert {"home", "open", "closed"} <= {state.get("name") for state in states}
    for state in states:
        values = {joint.get("name", ""): float(joint.get("value", "nan")) for joint in state}
        assert list(values) == told.group(state.get("group", ""))
        for name, value in values.items():
            limit = told.joints[name].find("limit")
            assert limit is not None
            low, high = float(limit.get("lower", "-inf")), float(limit.get("upper", "inf"))
            assert low - 1e-6 <= value <= high + 1e-6, (state.get("name"), name)


def test_a_hand_hangs_on_its_arm_and_shares_no_link_with_it(told: Told) -> None:
    for hand in told.srdf.findall("end_effector"):
        arm = next(arm for arm in told.robot.arms if arm.name == hand.get("parent_group"))
        chain = told.chain(told.robot.base_frame, f"{arm.name}_tool")
        assert hand.get("parent_link") in chain
        fingers = [told._end(told.joints[name], "child") for name in told.group(hand.get("group", ""))]
        assert not set(fingers) & set(chain)
        for finger in fingers:
            assert set(told.chain(told.robot.base_frame, finger)) & set(chain[-3:])


def test_unchecked_pairs_are_links_with_shapes_and_neighbours_are_among_them(told: Told) -> None:
    pairs = told.unchecked()
    assert all(first < second for first, second in pairs)
    assert len(pairs) == len(told.srdf.findall("disable_collisions"))
    shaped = {name for name, link in told.links.items() if link.find("collision") is not None}
    assert {name for pair in pairs for name in pair} <= shaped
    for link in shaped:
        above = told.parent(link)
        while above and above not in shaped:
            above = told.parent(above)
        if above:
            assert tuple(sorted((link, above))) in pairs


class Urdf:
    """MuJoCo's own reading of a URDF, with every shape able to touch every other: meshes are hulls."""

    def __init__(self, told: Told) -> None:
        root = xml.fromstring(told.text.replace("file://", ""))
        options = {"fusestatic": "false", "discardvisual": "true", "strippath": "false"}
        xml.SubElement(xml.SubElement(root, "mujoco"), "compiler", options)
        self.model = mujoco.MjSpec.from_string(xml.tostring(root, encoding="unicode")).compile()
        self.model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_FILTERPARENT)
        self._data, self._robot = mujoco.MjData(self.model), told.robot

    def overlaps(self, q: np.ndarray, openings: list[float]) -> set[tuple[str, str]]:
        """Pairs of links that touch with the joints at `q` (n,) [rad] and the grippers at `openings`."""
        model, data, robot = self.model, self._data, self._robot
        positions = (*q.tolist(), *robot.fingers(openings))
        for name, value in zip((*robot.joint_names, *robot.finger_names), positions, strict=True):
            data.joint(name).qpos[0] = value
        mujoco.mj_kinematics(model, data)
        mujoco.mj_collision(model, data)
        touching = model.geom_bodyid[data.contact.geom[data.contact.dist < 0.0]] if data.ncon else ()
        names = [[str(model.body(body).name) for body in bodies] for bodies in touching]
        return {(min(pair), max(pair)) for pair in names}


def test_links_that_are_never_looked_at_do_not_touch_in_the_urdf_either(told: Told) -> None:
    """Other poses, and shapes as MuJoCo reads them from the URDF rather than from the robot's model."""
    urdf, chance = Urdf(told), np.random.default_rng(77)
    ranges = np.array([urdf.model.joint(name).range for name in told.robot.joint_names])
    turns = ranges[:, 0] == ranges[:, 1]  # without end
    ranges[turns] = -np.pi, np.pi
    never = {pair for pair, reason in told.unchecked().items() if reason == "Never"}
    seen: set[tuple[str, str]] = set()
    for _ in range(500):
        q, openings = chance.uniform(*ranges.T), chance.uniform(0, 1, len(told.robot.arms)).tolist()
        seen |= urdf.overlaps(q, openings)
    assert seen, "some poses fold the robot into itself"
    assert not seen & never


def test_no_named_pose_counts_as_a_collision_of_the_robot_with_itself(told: Told) -> None:
    urdf, unchecked = Urdf(told), told.unchecked()
    poses = ("home", *(told.robot.planning or PlanningConfig()).poses)
    for name in poses:
        for opening in (0.0, 1.0):
            q = np.array(told.robot.pose_rad(name))
            assert not urdf.overlaps(q, [opening] * len(told.robot.arms)) - set(unchecked)


def test_the_same_pairs_are_found_every_time() -> None:
    robot = _robot("franka")
    assert unchecked_pairs(robot, 300) == unchecked_pairs(robot, 300)


# What moveit_cpp, move_group, the OMPL plugin and the simple controller manager of moveit2 2.12.0 to 2.15.0 look up.
READ = {
    "robot_description": str,
    "robot_description_semantic": str,
    "robot_description_kinematics.arm.kinematics_solver": str,
    "robot_description_kinematics.arm.kinematics_solver_search_resolution": float,
    "robot_description_kinematics.arm.kinematics_solver_timeout": float,
    "robot_description_planning.default_robot_padding": float,
    **{
        f"robot_description_planning.joint_limits.arm_joint{n}.{key}": kind
        for n in range(1, 8)
        for key, kind in {
            "min_position": float,
            "max_position": float,
            "has_velocity_limits": bool,
            "max_velocity": float,
            "has_acceleration_limits": bool,
            "max_acceleration": float,
            "has_jerk_limits": bool,
            "max_jerk": float,
        }.items()
    },
    "ompl.planning_plugins": list,
    "ompl.request_adapters": list,
    "ompl.response_adapters": list,
    "ompl.planner_configs.RRTConnectkConfigDefault.type": str,
    "ompl.planner_configs.RRTConnectkConfigDefault.range": float,
    "ompl.arm.planner_configs": list,
    "ompl.arm.longest_valid_segment_fraction": float,
    "moveit_manage_controllers": bool,
    "moveit_controller_manager": str,
    "moveit_simple_controller_manager.controller_names": list,
    "moveit_simple_controller_manager.segue.type": str,
    "moveit_simple_controller_manager.segue.action_ns": str,
    "moveit_simple_controller_manager.segue.default": bool,
    "moveit_simple_controller_manager.segue.joints": list,
    "trajectory_execution.execution_duration_monitoring": bool,
    "trajectory_execution.allowed_execution_duration_scaling": float,
    "trajectory_execution.allowed_goal_duration_margin": float,
    "trajectory_execution.allowed_start_tolerance": float,
}
OF_MOVEIT_CPP = {
    "planning_pipelines.pipeline_names": list,
    "plan_request_params.planning_pipeline": str,
    "plan_request_params.planner_id": str,
    "plan_request_params.planning_attempts": int,
    "plan_request_params.planning_time": float,
    "plan_request_params.max_velocity_scaling_factor": float,
    "plan_request_params.max_acceleration_scaling_factor": float,
}
OF_MOVE_GROUP = {"planning_pipelines": list, "default_planning_pipeline": str}


def _flat(values: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{start}{key}.") if isinstance(value, dict) else {f"{start}{key}": value}
    return found


@pytest.mark.parametrize("namespace", ["/", "/left"])
def test_a_node_of_any_namespace_reads_exactly_the_parameters_that_moveit_asks_for(
    franka: Told, tmp_path: Path, namespace: str
) -> None:
    """Through rcl's own reader of such files, which rclcpp has as well."""
    rclpy = pytest.importorskip("rclpy", reason="needs ROS 2")
    both = (
        (franka.parameters, OF_MOVEIT_CPP),
        (move_group_parameters(franka.parameters), OF_MOVE_GROUP),
    )
    context = rclpy.Context()
    rclpy.init(context=context)
    for parameters, own in both:
        path = tmp_path / "moveit.yaml"
        path.write_text(parameter_file(parameters))
        node = rclpy.create_node(
            "segue_moveit",
            namespace=namespace,
            context=context,
            cli_args=["--ros-args", "--params-file", str(path)],
            automatically_declare_parameters_from_overrides=True,
        )
        values = {name: node.get_parameter(name).value for name in _flat(parameters)}
        kinds = {
            name: list if isinstance(value, tuple | list) else type(value) for name, value in values.items()
        }
        assert kinds == READ | own
        assert values == _flat(parameters)
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_execution_goes_to_the_movers_own_action(franka: Told) -> None:
    trajectory_server = pytest.importorskip("segue_control.node.trajectory_server", reason="needs ROS 2")
    manager = franka.parameters["moveit_simple_controller_manager"]
    (controller,) = manager["controller_names"]
    assert f"{controller}/{manager[controller]['action_ns']}" == trajectory_server.NAME


def test_limits_are_the_guards_and_requests_are_scaled_by_the_contracts_shares(franka: Told) -> None:
    robot, parameters = franka.robot, franka.parameters
    limits = parameters["robot_description_planning"]["joint_limits"]
    assert tuple(one["max_velocity"] for one in limits.values()) == robot.limits.velocity_rad_s
    assert tuple(one["max_acceleration"] for one in limits.values()) == robot.limits.acceleration_rad_s2
    request, planning = parameters["plan_request_params"], robot.planning
    assert planning is not None
    assert request["max_velocity_scaling_factor"] == planning.velocity_share
    assert request["max_acceleration_scaling_factor"] == planning.acceleration_share
    assert list(limits) == list(robot.joint_names)
    assert all(one["min_position"] < one["max_position"] for one in limits.values())


def test_a_drivers_own_description_is_refused_with_what_it_lacks(franka: Told) -> None:
    with pytest.raises(ConfigError, match="no arm_joint1, .*arm_joint7") as refused:
        moveit_parameters(franka.robot, franka.text.replace("arm_joint", "fr3_joint"))
    assert refused.value.code is ErrorCode.CONFIG_CONFLICT


@pytest.mark.parametrize(
    ("group", "says"), [(None, "give planning.moveit_group"), ("left", "'left' is a part's name")]
)
def test_a_robot_without_a_group_of_all_arms_is_refused(group: str | None, says: str, tmp_path: Path) -> None:
    robot = _robot("dual_arm")
    planning = (robot.planning or PlanningConfig()).model_copy(update={"moveit_group": group})
    robot = robot.model_copy(update={"planning": planning})
    with pytest.raises(ConfigError, match=says):
        moveit_parameters(robot, description(robot, tmp_path))
