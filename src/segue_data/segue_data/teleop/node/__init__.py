"""Teleoperation as a ROS 2 node: translates, keeps order, and asks the cell; what a stick means is `Pilot`'s."""

import sys


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    from segue_data.teleop.node.teleop_node import TeleopNode
    from segue_ros.lifecycle import run

    sys.exit(run(TeleopNode))
