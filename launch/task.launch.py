"""One robot does one task with one policy: simulator, perception, controllers, policy, scheduler and recorder.

    ros2 launch segue_bringup task.launch.py task:=pick_place policy:=legato
    ros2 action send_goal /segue/run_task segue_interfaces/action/RunTask "{seed: 1, record: true}" --feedback

The nodes and every argument are described in `config/graph/task.yaml`.
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description("task")
