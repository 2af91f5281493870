"""The arm before the graph: what a run asks and watches on its way out, so that nothing is taken down in motion."""

import time
from typing import Any

from rclpy.node import Node

from segue_bringup.catalogue import path_of
from segue_bringup.resolution import Plan
from segue_core.contracts.files import load_robot
from segue_interfaces.msg import SafetyState
from segue_interfaces.srv import Arm
from segue_ros import qos
from segue_ros.joint_states import listen
from segue_ros.waiting import ASK_AGAIN_S

_SILENCE_S = 1.0  # without joint states, when there is nobody left to tell of rest


class Guard:
    """The robot's guard, as its client: whether it lets the robot move, and the wish that it does not."""

    def __init__(self, node: Node) -> None:
        self.armed = False
        self._client: Any = node.create_client(Arm, "segue/arm")
        self._asked_s: float | None = None
        self._answers: list[Any] = []
        node.create_subscription(SafetyState, "segue/safety", self._on_safety, qos.STATE)

    def disarm(self) -> bool:
        """Ask for a controlled stop, every second anew; whether the guard has agreed. Call it while the node spins."""
        now_s = time.monotonic()
        if self._asked_s is None or now_s - self._asked_s > ASK_AGAIN_S:
            self._asked_s = now_s
            self._answers.append(self._client.call_async(Arm.Request(arm=False)))
        return any(answer.done() for answer in self._answers)

    def _on_safety(self, message: SafetyState) -> None:
        self.armed = bool(message.armed)


class Standstill:
    """Whether the arms of a graph rest."""

    def __init__(self, node: Node, plan: Plan) -> None:
        from segue_data.recording.rest import RestWatch  # reads bags, which no start waits for

        robot = load_robot(str(path_of("robots", str(plan.arguments["robot"]))))
        self._watch, self._heard_s = RestWatch(robot.joint_names), time.monotonic()
        listen(node, self._on_joint_states)

    def reached(self) -> bool:
        """Whether they stand still, or nobody is there to tell; ask while the node spins."""
        return self._watch.still or time.monotonic() - self._heard_s > _SILENCE_S

    def _on_joint_states(self, data: bytes) -> None:
        self._heard_s = time.monotonic()
        self._watch.note(data)
