"""The simulated robot alone, for tools that bring their own policy; planned_moves:=true adds the mover, for MoveIt.

ros2 launch segue_bringup sim.launch.py task:=pick_place seed:=3
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description(
        "task", only=("simulator", "state_publisher", "controller", "mover", "perception")
    )
