"""A node of the graph whose first subscriptions to the clock nobody is matched with: `module("deaf", MODULE, TIMES)`.

MODULE has the node's `main`.
"""

import sys
from importlib import import_module
from typing import Any

from rclpy.time_source import TimeSource
from rosgraph_msgs.msg import Clock

_subscribe: Any = TimeSource._subscribe_to_clock_topic


def main() -> None:
    """Run the node."""
    name, times = sys.argv.pop(1), int(sys.argv.pop(1))
    made: list[object] = []

    def subscribe(source: Any) -> None:
        if len(made) == times:
            _subscribe(source)
            return
        source._clock_sub = source._get_node().create_subscription(Clock, "nowhere", source.clock_callback, 1)
        made.append(source._clock_sub)

    setattr(TimeSource, "_subscribe_to_clock_topic", subscribe)  # noqa: B010
    import_module(name).main()


if __name__ == "__main__":
    main()
