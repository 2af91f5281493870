"""The scheduler as a ROS 2 node: everything here translates and keeps order; the decisions are `ChunkScheduler`'s."""

import sys


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    from segue_ros.lifecycle import run
    from segue_scheduler.node.scheduler_node import SchedulerNode

    sys.exit(run(SchedulerNode))
