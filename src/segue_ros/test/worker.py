"""A node in a process of its own, that says when it is active: `python worker.py [DEAF] --ros-args ...`.

DEAF is how many of its subscriptions to the clock nobody is matched with; its patience is short then.
"""

import sys
from typing import Any

from rosgraph_msgs.msg import Clock

from segue_ros import namesakes, sim_time
from segue_ros.lifecycle import LifecycleComponent, run

_subscribe = sim_time.subscribe


class Worker(LifecycleComponent):
    """Does nothing."""

    def __init__(self) -> None:
        super().__init__("worker")

    def setup(self) -> None:
        """See `LifecycleComponent`."""
        print("configured", flush=True)

    def start(self) -> None:
        """See `LifecycleComponent`."""
        print("active", flush=True)


def _deafen(times: int) -> None:
    left = [times]

    def subscribe(node: Any, hear: Any) -> Any:
        left[0] -= 1
        return _subscribe(node, hear) if left[0] < 0 else node.create_subscription(Clock, "nowhere", hear, 1)

    setattr(sim_time, "subscribe", subscribe)  # noqa: B010


def main() -> None:
    """Run until a signal."""
    if sys.argv[1].isdecimal():
        _deafen(int(sys.argv[1]))
        sim_time.PATIENCE_S = 5.0
        sim_time.AGAIN_S = 1.0
        namesakes.ANSWER_S = 3.0
    sys.exit(run(Worker))


if __name__ == "__main__":
    main()
