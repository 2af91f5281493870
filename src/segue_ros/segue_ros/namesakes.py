"""Two nodes of one name: the one that was there first stays, the other ends and says who was there.

    newcomer   looks around for a second          sees no namesake -> begins, and looks on for a while
               asks on NAME/here ...              no answer, for as long as DDS remembers the dead -> ends
    namesake   answers: I am process 41 on host   -> the newcomer ends

Every node listens on a topic below its own name, so that only namesakes hear each other. Anybody can speak there: a
word ends nobody unless ROS, too, knows a second node of the name. One that was killed is unknown to processes that
begin after its death.
"""

import os
import socket
import time
import uuid
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from segue_core.errors import ConfigError, ErrorCode, clipped
from segue_ros import qos
from segue_ros.sole_sender import PATIENCE_S

_LOOK_S = 1.0
"""How long a node looks around before it begins: discovery takes a tenth of a second, on a busy machine up to three."""
_NEW_S = 10.0
"""How long an active node is a newcomer that looks on."""
ANSWER_S = PATIENCE_S
"""Patience with a namesake that is known and says nothing: it just died, or loads a model, or is no node of ours."""
_SETTLED, _NEW = DiagnosticStatus.OK, DiagnosticStatus.STALE


class Namesakes:
    """One node's knowledge of others with its full name. Times are of the steady clock [s]."""

    def __init__(self, node: Node) -> None:
        self._node, self._name = node, node.get_fully_qualified_name()
        self._id = (
            f"{time.time_ns():020d} {uuid.uuid4().hex}"  # of two newcomers the older has the smaller one
        )
        self._since_s = time.monotonic()
        self._known_s: float | None = None  # since when there is somebody
        self._active_s: float | None = None
        self._first: DiagnosticStatus | None = None
        self._out = node.create_publisher(DiagnosticStatus, "~/here", qos.STATE)
        node.create_subscription(DiagnosticStatus, "~/here", self._on_word, qos.STATE)

    @property
    def settled(self) -> bool:
        """Whether the node has its name for good: newcomers give way to it."""
        return self._active_s is not None and time.monotonic() - self._active_s > _NEW_S

    def none(self) -> bool:
        """Whether there is none, as far as is known; False while that cannot be told yet. Call it again and again.

        Raises:
            ConfigError: 608, a namesake was there before this node.
        """
        self.refuse()
        now_s = time.monotonic()
        if self._is_single():
            self._known_s = None
            return now_s - self._since_s >= _LOOK_S
        self._say()
        self._known_s = now_s if self._known_s is None else self._known_s
        if now_s - self._known_s < ANSWER_S:
            return False
        raise self._there("it does not answer")

    def refuse(self) -> None:
        """Raises ConfigError as `none`."""
        if self._first is not None and not self._is_single():
            raise self._there(clipped(self._first.message, 100))

    def _is_single(self) -> bool:
        return self._node.get_fully_qualified_node_names().count(self._name) < 2

    def _there(self, who: str) -> ConfigError:
        text = (
            f"a node {self._name} is there already on ROS domain {self._node.context.get_domain_id()}: {who}"
        )
        do = "end one of the two, or give this graph a name of its own: namespace:=NAME, or another ROS_DOMAIN_ID"
        return ConfigError(ErrorCode.ADDRESS_IN_USE, text, do=do)

    def active(self, active: bool) -> None:
        """The node is active from now on, or no more."""
        self._active_s = time.monotonic() if active else None

    def _say(self) -> None:
        who = f"process {os.getpid()} on {socket.gethostname()}"
        level = _SETTLED if self.settled else _NEW
        self._out.publish(DiagnosticStatus(level=level, name=self._name, message=who, hardware_id=self._id))

    def _on_word(self, word: Any) -> None:
        if word.hardware_id == self._id:
            return
        if not self.settled and (word.level == _SETTLED or word.hardware_id < self._id):
            self._first = word
        elif word.level == _NEW:
            self._say()
