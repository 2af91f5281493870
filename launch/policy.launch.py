"""The policy alone, on a machine of its own beside `robot.launch.py`.

ros2 launch segue_bringup policy.launch.py policy:=legato checkpoint:=data/legato
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description("task", only=("policy",))
