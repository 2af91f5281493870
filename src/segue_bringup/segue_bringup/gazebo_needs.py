"""What `sim:=gazebo` needs of others: ROS packages, and a Gazebo that somebody started."""

from collections.abc import Mapping
from pathlib import Path

from segue_bringup.graph import Scalar
from segue_core.errors import ConfigError, ErrorCode

PACKAGES = (
    "ros_gz_sim",
    "ros_gz_bridge",
    "gz_ros2_control",
    "controller_manager",
    "robot_state_publisher",
    "topic_tools",
)
_CURE = (
    "install ros-DISTRO-ros-gz, -gz-ros2-control, -robot-state-publisher, -ros2-controllers and -topic-tools, where"
    " DISTRO is your ROS (jazzy or newer), or take sim:=mujoco (docs/gazebo.md)"
)


def refuse_unstarted_gazebo(arguments: Mapping[str, Scalar]) -> None:
    """Raises ConfigError when Gazebo, which only `ros2 launch` starts, has not written what the graph reads of it."""
    from ament_index_python.packages import get_packages_with_prefixes

    files = Path(str(arguments["gazebo_files"]))
    if arguments["sim"] != "gazebo" or (files / "hardware.yaml").exists():
        return
    installed = get_packages_with_prefixes()
    if missing := [name for name in PACKAGES if name not in installed]:
        text = f"sim:=gazebo needs ROS packages that are not installed: {', '.join(missing)}"
        raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=_CURE)
    launch = (
        f"ros2 launch segue_bringup gazebo.launch.py robot:={arguments['robot']} task:={arguments['task']}"
    )
    text = f"sim:=gazebo: Gazebo was not started, there is no {files}/hardware.yaml"
    do = f"start it first, in another terminal ({launch}), or all at once by task.launch.py (docs/gazebo.md)"
    raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, text, do=do)
