"""What ROS's own simulated time does not do: rclpy ends a node whose /clock says a time before zero."""

from typing import Any

from rclpy.node import Node


def refuse_times_before_zero(node: Node) -> None:
    """Has the node drop such a /clock, with a warning; call it right after the node was made."""
    source: Any = node._time_source  # there is no public way to it
    take = source.clock_callback

    def checked(message: Any) -> None:
        if message.clock.sec < 0:
            text = f"/clock dropped: got {message.clock.sec} s, expected 0 or more"
            node.get_logger().warning(text, throttle_duration_sec=1.0)
            return
        take(message)

    source.clock_callback = checked
    if source._clock_sub is not None:
        source._clock_sub.callback = checked
