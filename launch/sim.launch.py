"""The simulated robot alone: simulator, controllers and perception, for tools that bring their own policy.

ros2 launch segue_bringup sim.launch.py task:=pick_place seed:=3
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description("task", only=("simulator", "state_publisher", "controller", "perception"))
