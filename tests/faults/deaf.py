"""A node of the graph whose first subscriptions to the clock nobody is matched with: `module("deaf", MODULE, TIMES)`.

MODULE has the node's `main`.
"""

import sys
from importlib import import_module
from typing import Any

from rosgraph_msgs.msg import Clock

from segue_ros import sim_time

_subscribe = sim_time.subscribe


def main() -> None:
    """Run the node."""
    name, times = sys.argv.pop(1), int(sys.argv.pop(1))
    made: list[object] = []

    def subscribe(node: Any, hear: Any) -> Any:
        if len(made) == times:
            return _subscribe(node, hear)
        made.append(node.create_subscription(Clock, "nowhere", hear, 1))
        return made[-1]

    setattr(sim_time, "subscribe", subscribe)  # noqa: B010
    import_module(name).main()


if __name__ == "__main__":
    main()
