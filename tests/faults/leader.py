"""A leader arm that sways by itself, and a person's keys: what a teleoperation is used with."""

import os
import pty
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import numpy as np
import rclpy
import yaml
from rclpy.context import Context
from sensor_msgs.msg import JointState
from typing_extensions import Self

from segue_control.robot.kinematics import Kinematics
from segue_ros import qos
from segue_sim.testing import load_robot

from .hands import Hands

_TOPIC = "leader/joint_states"
_RATE_HZ, _PERIOD_S, _WAY_RAD = 60.0, 2.5, 0.25
_TIMEOUT_S = 3.0  # of the leader's silence; more than the shipped 0.2 s, since this machine may be busy


class Leader:
    """A context: a node that publishes joints around home, on the run's clock, until it is silent; and a terminal.

    `off_rad` is added to its first two joints.
    """

    def __init__(self, folder: Path, robot: str) -> None:
        self._robot = load_robot(robot)
        self._folder = folder
        self.silent = False
        self.off_rad = 0.0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._ours, theirs = pty.openpty()
            stack.callback(os.close, self._ours)
            stack.callback(os.close, theirs)
            file = self._folder / "leader.yaml"
            told = {
                "description": "sways",
                "device": "leader",
                "leader": {"topic": _TOPIC, "timeout_s": _TIMEOUT_S},
            }
            file.write_text(yaml.safe_dump(told))
            self.arguments = {"teleop": "leader", "teleop_file": str(file), "terminal": os.ttyname(theirs)}
            self._over = Event()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def follow(self, hands: Hands) -> None:
        """Begin to sway on the clock of this graph."""
        context = Context()
        rclpy.init(context=context, domain_id=hands.domain)
        self._stack.callback(context.try_shutdown)
        node = rclpy.create_node("leader", context=context)
        out = node.create_publisher(JointState, _TOPIC, qos.SENSOR_SOURCE)
        home = Kinematics(self._robot).home
        way = np.sign(0.5 * (hands.witness.limits.low + hands.witness.limits.high) - home) * _WAY_RAD
        names = [*self._robot.joint_names, *self._robot.gripper_names]

        def publish() -> None:
            while not self._over.wait(1.0 / _RATE_HZ):
                share = 0.5 - 0.5 * np.cos(2.0 * np.pi * hands.witness.sim_s / _PERIOD_S)
                q = home.copy()
                q[:2] += share * way[:2] + self.off_rad
                if not self.silent:
                    out.publish(
                        JointState(name=names, position=[*q, *[1.0] * len(self._robot.gripper_names)])
                    )

        thread = Thread(target=publish, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 5.0)
        self._stack.callback(self._over.set)

    def press(self, key: str) -> None:
        """A key of the terminal: t takes, b gives, c recovers, Escape stops."""
        os.write(self._ours, key.encode())
