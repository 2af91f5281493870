"""`sim:=gazebo` under the real `launch`: what is started, with which arguments. Gazebo itself is not started here."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("launch_ros", reason="launch_ros is part of a ROS 2 install, in no Python registry")

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.utilities import perform_substitutions
from launch_ros.actions import Node

from segue_bringup.launching import gazebo_description, launch_description

# What gz_sim.launch.py declares (ros_gz_sim/launch/gz_sim.launch.py.in, branch ros2).
GZ_SIM_ARGUMENTS = {"gz_args", "gz_version", "ign_args", "ign_version", "debugger", "on_exit_shutdown"}


def _actions(description: LaunchDescription, **arguments: str) -> list[LaunchDescriptionEntity]:
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    return [action for entity in description.entities for action in entity.visit(context) or []]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gazebo")


@pytest.fixture(scope="module")
def actions(folder: Path) -> list[LaunchDescriptionEntity]:
    return _actions(
        launch_description("task"),
        robot="jaco2",
        task="place_block",
        policy="hold",
        sim="gazebo",
        gazebo_files=str(folder),
        seed="0",
        view="false",
    )


def test_gazebo_gets_a_bridge_a_robot_and_the_hardware_node_in_place_of_the_simulator(
    actions: list[LaunchDescriptionEntity],
) -> None:
    packages = [(n.node_package, n.node_executable) for n in actions if isinstance(n, Node)]
    assert ("ros_gz_bridge", "parameter_bridge") in packages
    assert ("ros_gz_sim", "create") in packages
    assert ("robot_state_publisher", "robot_state_publisher") in packages
    assert ("segue_control", "hardware") in packages
    assert ("segue_sim", "simulator") not in packages
    assert ("segue_perception", "cameras") not in packages, "the bridge brings the pictures"


def test_gazebo_is_included_with_arguments_that_it_knows_and_the_world_that_was_written(
    actions: list[LaunchDescriptionEntity], folder: Path
) -> None:
    (server,) = [action for action in actions if isinstance(action, IncludeLaunchDescription)]
    context = LaunchContext()
    given = {
        perform_substitutions(context, [name] if not isinstance(name, str) else []) or str(name): value
        for name, value in server.launch_arguments
    }
    assert set(given) <= GZ_SIM_ARGUMENTS
    assert str(folder / "world.sdf") in str(given["gz_args"])
    assert (folder / "world.sdf").is_file() and (folder / "robot.urdf").is_file()


def test_the_clock_is_thinned_to_one_message_per_controller_update(
    actions: list[LaunchDescriptionEntity],
) -> None:
    (drop,) = [n for n in actions if isinstance(n, Node) and n.node_package == "topic_tools"]
    words = [perform_substitutions(LaunchContext(), list(word)) for word in drop.cmd[1:5]]
    assert drop.node_executable == "drop" and words == ["/gazebo_clock", "4", "5", "/clock"]  # 500 Hz, 100 Hz


def test_controllers_are_spawned_when_the_robot_is_there(actions: list[LaunchDescriptionEntity]) -> None:
    assert len([action for action in actions if isinstance(action, RegisterEventHandler)]) == 1


def test_the_hardware_node_reads_the_settings_that_were_written(folder: Path) -> None:
    from segue_bringup.graph import load_graph
    from segue_bringup.resolution import make_plan

    given = {
        "robot": "jaco2",
        "task": "place_block",
        "policy": "hold",
        "sim": "gazebo",
        "gazebo_files": str(folder),
    }
    plan = make_plan(load_graph(), given)
    assert plan.node("hardware").parameters["hardware"] == str(folder / "hardware.yaml")
    assert yaml.safe_load((folder / "hardware.yaml").read_text())["backend"] == "ros2_control"
    assert all(node.parameters["use_sim_time"] for node in plan.nodes)


def test_gazebo_alone_starts_none_of_our_nodes(folder: Path) -> None:
    nodes = _actions(
        gazebo_description(), robot="jaco2", task="place_block", policy="hold", gazebo_files=str(folder)
    )
    assert {n.node_package for n in nodes if isinstance(n, Node)} == {
        "ros_gz_bridge",
        "ros_gz_sim",
        "robot_state_publisher",
        "topic_tools",
    }
