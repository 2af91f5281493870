"""A client that can be killed: `python -m tests.faults.client run_task TASK`, or `move POSE`."""

import sys

import rclpy

from segue_bringup.run.client import TaskClient
from segue_interfaces.action import MoveTo, RunTask


def main() -> None:
    """Send the goal and keep its lease until it is over; says "accepted" when it moves on."""
    kind, goal = sys.argv[1:3]
    rclpy.init()
    node = rclpy.create_node("client")
    if kind == "move":
        client, wanted = TaskClient(node, MoveTo, "segue/move"), MoveTo.Goal(pose=goal, speed=0.3)
    else:
        client, wanted = TaskClient(node), RunTask.Goal(task=goal, seed=1)
    while not client.available():
        rclpy.spin_once(node, timeout_sec=0.1)
    client.send(wanted)
    while not client.over:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(client.result, flush=True)


if __name__ == "__main__":
    main()
