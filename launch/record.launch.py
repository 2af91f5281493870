"""A person records demonstrations: robot (or simulator), controllers, recorder and teleoperation, no policy.

    ros2 launch segue_bringup record.launch.py task:=pick_place teleop:=gamepad runs:=recordings operator:=Ada

The pad's buttons start and end episodes; with `terminal:=$(tty)` of another terminal, its keys do, too. A keyboard
needs a terminal: `teleop:=keyboard teleop_device:=/dev/pts/3` (see `tty`). docs/data.md has the keys. `./segue record`
does the same with a display. The recorder alone, beside a graph that runs: recorder.launch.py.
"""

from launch import LaunchDescription

from segue_bringup.launching import launch_description


def generate_launch_description() -> LaunchDescription:
    """What `ros2 launch` calls."""
    return launch_description("task", defaults={"collect": True, "teleop": "gamepad", "runs": "recordings"})
