"""Fault 32: a machine that names this one as its peer neither sees nor commands anything, unless it is named too."""

import json
import sys
from pathlib import Path

import pytest

from .link import ADDRESSES
from .machines import POLICY, ROBOT, TwoMachines, why_not

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "they are permitted"),
]

_NODE = """
import json, sys, time
import rclpy
from std_msgs.msg import Bool
rclpy.init()
node = rclpy.create_node(sys.argv[1])
heard = []
node.create_subscription(Bool, sys.argv[1], lambda m: heard.append(m.data), 10)
out = node.create_publisher(Bool, sys.argv[2], 10)
end = time.monotonic() + 8.0
while time.monotonic() < end:
    out.publish(Bool(data=True))
    rclpy.spin_once(node, timeout_sec=0.05)
print(json.dumps([sorted(set(node.get_node_names()) - {sys.argv[1]}), len(heard) > 0]))
"""


@pytest.mark.parametrize("robot_names", ["", ADDRESSES[POLICY]], ids=["alone", "with_a_second_machine"])
def test_only_a_machine_that_is_named_is_seen_and_heard(robot_names: str, tmp_path: Path) -> None:
    ours = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": robot_names}
    theirs = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_STATIC_PEERS": ADDRESSES[ROBOT]}
    with TwoMachines() as machines:
        started = []
        for side, names, variables in (
            (ROBOT, ("robot", "neighbour"), ours), (POLICY, ("neighbour", "robot"), theirs)
        ):  # fmt: skip
            log = tmp_path / names[0]
            command = [sys.executable, "-c", _NODE, *names]
            started.append((machines.start(side, command, {**variables, "ROS_DOMAIN_ID": "7"}, log), log))
        for process, log in started:
            assert process.wait(60) == 0, log.read_text()
    names, heard = zip(*(json.loads(log.read_text().splitlines()[-1]) for _, log in started), strict=True)
    assert heard == (bool(robot_names), bool(robot_names))
    assert robot_names or names == ([], [])
