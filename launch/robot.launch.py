"""The robot's machine when the policy runs on another: everything of the task but the policy.

ros2 launch segue_bringup robot.launch.py task:=pick_place policy:=legato
ros2 launch segue_bringup robot.launch.py sim:=none policy:=legato      with the real robot, see docs/hardware.md
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description(
        "task",
        only=(
            "simulator",
            "hardware",
            "cameras",
            "state_publisher",
            "controller",
            "mover",
            "perception",
            "scheduler",
            "recorder",
        ),
    )
