"""The episode recorder beside a graph that already runs.

ros2 launch segue_bringup recorder.launch.py runs:=recordings
ros2 service call /segue/record/start segue_interfaces/srv/StartRecording "{episode: try_1}"
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description("task", only=("recorder",))
