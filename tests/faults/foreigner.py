"""Somebody on another machine of the network who tries to see, stop, arm and command a robot.

    python -m tests.faults.foreigner ROBOT

Prints one line of JSON: which nodes it saw, how many messages it heard, and which services answered.
"""

import json
import sys
import time
from typing import Any

import rclpy
from rclpy.time_source import rosgraph_msgs
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from unique_identifier_msgs.msg import UUID

from segue_interfaces.msg import RobotCommand, SafetyState
from segue_interfaces.srv import Arm, EmergencyStop, Recover
from segue_ros import qos
from segue_sim.testing import load_robot

from .witness import ROGUE

_TRIES_S = 12.0
NAME = "foreigner"


def main() -> None:
    """Try everything at once, for a while."""
    robot = load_robot(sys.argv[1])
    rclpy.init()
    node = rclpy.create_node(NAME)
    heard: list[Any] = []
    node.create_subscription(JointState, "joint_states", heard.append, qos.JOINTS)
    node.create_subscription(SafetyState, "segue/safety", heard.append, qos.STATE)
    names = [*robot.joint_names, *robot.gripper_names]
    space = robot.action_space
    said = [
        (node.create_publisher(type(message), topic, qos.COMMAND), message)
        for topic, message in (
            ("segue/command", RobotCommand(tick=1, run_id=NAME, action_space=space.name, action=[0.0] * space.dim,
                                           action_space_fingerprint=space.fingerprint())),
            ("joint_command", JointTrajectory(joint_names=names, points=[JointTrajectoryPoint(
                positions=[0.0] * len(names))])),
            ("segue/lease", UUID()), ("/clock", rosgraph_msgs.msg.Clock()),
        )
    ]  # fmt: skip
    for _, message in said[:2]:
        message.header.frame_id = ROGUE  # so that the witness at the robot can tell
    services: list[tuple[Any, str, Any]] = [
        (Arm, "segue/arm", Arm.Request(arm=True)),
        (EmergencyStop, "segue/emergency_stop", EmergencyStop.Request(reason=NAME)),
        (Recover, "segue/recover", Recover.Request()),
    ]
    clients = [(name, node.create_client(kind, name), request) for kind, name, request in services]
    answered: set[str] = set()
    end_s, turn = time.monotonic() + _TRIES_S, 0
    while time.monotonic() < end_s:
        turn += 1
        for publisher, message in said:
            publisher.publish(message)
        if turn % 20 == 1:
            for name, client, request in clients:
                client.call_async(request).add_done_callback(lambda _, name=name: answered.add(name))
        rclpy.spin_once(node, timeout_sec=0.05)
    told = {
        "seen": sorted(set(node.get_node_names()) - {NAME}),
        "heard": len(heard),
        "answered": sorted(answered),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
