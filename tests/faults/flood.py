"""A flood: a message of a topic, over and over, from another publisher: `python -m tests.faults.flood TOPIC TYPE HZ`.

It ends with SIGTERM, and then prints how many it sent and in how many seconds.
"""

import signal
import sys
import time
from importlib import import_module
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from segue_ros import qos


def main(topic: str, kind: str, rate_hz: float) -> None:
    """Listen for the first message, then flood until asked to end."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("flood")
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    newest: list[Any] = []

    def keep(message: Any) -> None:
        newest[:] = [message]

    latched = topic in ("segue/policy_info", "segue/authority")
    package, name = kind.split("/msg/")
    message_type = getattr(import_module(f"{package}.msg"), name)
    node.create_subscription(message_type, topic, keep, qos.LATCHED if latched else qos.SENSOR)
    out = node.create_publisher(message_type, topic, qos.STATE)
    while not newest and not asked:
        rclpy.spin_once(node, timeout_sec=0.05)
    if asked:
        sys.exit(f"nothing came on {topic}")
    message, began, sent = newest[0], time.monotonic(), 0
    print("it begins", flush=True)
    while not asked:
        due = int((time.monotonic() - began) * rate_hz)
        for _ in range(due - sent):
            out.publish(message)
        sent = max(sent, due)
        time.sleep(0.5 / rate_hz)
    print(f"sent {sent} in {time.monotonic() - began:.3f} s", flush=True)
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
