"""Gazebo as launch actions: files from the contracts, the server, the bridge, the robot and its controllers.

Needs the packages of `gazebo_needs`. Written against their sources; not run (docs/gazebo.md).
"""

from pathlib import Path

from launch import LaunchDescriptionEntity
from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from segue_bringup.catalogue import path_of
from segue_bringup.resolution import Plan
from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.task import TaskConfig
from segue_sim.gazebo import wiring
from segue_sim.gazebo.write import GazeboFiles, write_gazebo

_PATIENCE_S = "120"  # of the spawner with the controller manager, which is there once the robot is


def gazebo_actions(plan: Plan) -> list[LaunchDescriptionEntity]:
    """Everything of `sim:=gazebo` but the graph's own nodes. Writes the files below `gazebo_files`.

    Raises:
        SegueError: a contract that is not valid, or a model that URDF cannot say.
    """
    arguments = plan.arguments
    robot = load_robot(str(path_of("robots", str(arguments["robot"]))))
    task = load_file(str(path_of("tasks", str(arguments["task"]))), TaskConfig, "task")
    files = write_gazebo(robot, task, int(arguments["seed"]), Path(str(arguments["gazebo_files"])))
    create = _create(robot.name, files)
    return [
        _server(files, view=bool(arguments["view"])),
        _bridge(files),
        *_clock(files),
        _state_publisher(files),
        create,
        RegisterEventHandler(OnProcessExit(target_action=create, on_exit=[_spawner(files)])),
    ]


def _server(files: GazeboFiles, *, view: bool) -> IncludeLaunchDescription:
    """Gazebo itself, running at once (-r), without a window (-s, and cameras still rendered) unless one is wanted."""
    source = PathJoinSubstitution([FindPackageShare("ros_gz_sim"), "launch", "gz_sim.launch.py"])
    words = ["-r", *([] if view else ["-s", "--headless-rendering"]), str(files.world)]
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(source),
        launch_arguments={"gz_args": " ".join(words), "on_exit_shutdown": "true"}.items(),
    )


def _bridge(files: GazeboFiles) -> Node:
    return Node(
        package="ros_gz_bridge",
        executable="parameter_bridge",
        name="gazebo_bridge",
        output="both",
        parameters=[{"config_file": str(files.bridge)}],
    )


def _clock(files: GazeboFiles) -> list[Node]:
    """One message of /clock per controller update, out of one per physics step."""
    steps = files.steps_per_clock
    words = [wiring.EVERY_STEP, str(steps - 1), str(steps), wiring.CLOCK]
    drop = Node(package="topic_tools", executable="drop", name="gazebo_clock", output="both", arguments=words)
    return [drop] if steps > 1 else []


def _state_publisher(files: GazeboFiles) -> Node:
    """Publishes /robot_description, from which Gazebo makes the robot, and the frames of all joints."""
    description = ParameterValue(files.robot.read_text(encoding="utf-8"), value_type=str)
    return Node(
        package="robot_state_publisher",
        executable="robot_state_publisher",
        name="robot_state_publisher",
        output="both",
        parameters=[{"robot_description": description, "use_sim_time": True}],
        remappings=[("joint_states", "/joint_state_broadcaster/joint_states")],
    )


def _create(name: str, files: GazeboFiles) -> Node:
    return Node(
        package="ros_gz_sim",
        executable="create",
        output="both",
        arguments=["-world", files.world_name, "-topic", "robot_description", "-name", name],
    )


def _spawner(files: GazeboFiles) -> Node:
    return Node(
        package="controller_manager",
        executable="spawner",
        output="both",
        arguments=[*files.controllers, "--controller-manager-timeout", _PATIENCE_S],
    )
