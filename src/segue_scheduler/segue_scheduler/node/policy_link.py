"""The policy node as the scheduler knows it: what it can do, and whether the one that a run began with is there."""

import time
from collections.abc import Mapping
from typing import Any

from rclpy.event_handler import (
    QoSLivelinessChangedInfo,
    SubscriptionEventCallbacks,
    UnsupportedEventTypeError,
)
from rclpy.node import Node

from segue_core.errors import ErrorCode, PolicyError, SchedulerError, SegueError
from segue_core.policy import PolicyInfo
from segue_core.wire import info_of
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg
from segue_ros import qos
from segue_ros.sole_sender import sender_of
from segue_scheduler.node.watches import Presence

TOPIC = "segue/policy_info"


class PolicyLink:
    """Listens to what policy nodes say of themselves, and to DDS, which says whether their processes live.

    Args:
        lease_s: a process that was not heard of for so long is dead [s]; 0: nobody watches.
        patience_s: where time can wait, it waits so long for a silent one to come back [s]; else 0.
    """

    def __init__(self, node: Node, lease_s: float, patience_s: float) -> None:
        self._node, self._lease_s = node, lease_s
        self._presence = Presence(patience_s)
        self._said: PolicyInfoMsg | None = None
        self._sender = b""
        self._begun_with: PolicyInfoMsg | None = None
        self.info: PolicyInfo | None = None
        self.refusal: SegueError | None = None
        self.dead = 0
        """How many that are dead DDS still has in its books."""
        node.create_subscription(PolicyInfoMsg, TOPIC, self._on_info, qos.LATCHED)
        if lease_s:
            self._watch()

    @property
    def is_there(self) -> bool:
        """Whether there is one that can be asked."""
        return self.info is not None and not self._presence.lost

    def begin(self) -> PolicyInfo:
        """A run begins with the policy that is there now.

        Raises:
            SegueError: there is none, or it said something that cannot be.
        """
        if self.refusal:
            raise self.refusal
        if self.info is None or self._presence.lost:
            raise PolicyError(ErrorCode.POLICY_NOT_READY, "no policy node is there")
        self._begun_with = self._said
        return self.info

    def unsure(self, now_s: float) -> bool:
        """Whether the policy is silent and may come back: time should wait if it can."""
        return self._presence.unsure(now_s)

    def fault(self, now_s: float) -> SegueError | None:
        """Why the run that was begun cannot go on with what is there now."""
        if self._said is not self._begun_with:
            return self._replaced()
        if not self._presence.gone(now_s):
            return None
        text = (
            f"the policy's process is gone: nothing was heard of it for {self._lease_s:g} s (policy_lease_s)"
        )
        return PolicyError(ErrorCode.POLICY_GONE, text)

    def _replaced(self) -> SegueError:
        what = _differences(self._begun_with, self._said)
        if what:
            text = f"another policy took the place of the run's in the middle of it: {what}"
            return SchedulerError(ErrorCode.SCHEDULER_POLICY_MISMATCH, text)
        return PolicyError(ErrorCode.POLICY_GONE, "the policy was started anew in the middle of the run")

    def _watch(self) -> None:
        """A second subscription: one that asks for a lease does not get what a publisher without one says."""
        heard = SubscriptionEventCallbacks(
            liveliness=self._on_liveliness, incompatible_qos=self._on_unwatched
        )
        try:
            self._node.create_subscription(
                PolicyInfoMsg, TOPIC, lambda _: None, qos.alive(self._lease_s), event_callbacks=heard
            )
        except UnsupportedEventTypeError as error:
            self._on_unwatched(error)

    def _on_info(self, message: PolicyInfoMsg, about: Mapping[str, Any]) -> None:
        if message == self._said:  # told again, as when a partition heals
            return
        sender = sender_of(about)
        try:
            info = info_of(message)
        except SegueError as error:
            self._node.get_logger().error(f"policy refused: {error}")
            if self.info is not None and sender != self._sender:
                return  # a stranger's nonsense takes nothing from the policy that is there
            self._said, self._sender, self.info, self.refusal = message, sender, None, error
            return
        self._said, self._sender, self.info, self.refusal = message, sender, info, None

    def _on_liveliness(self, event: QoSLivelinessChangedInfo) -> None:
        self.dead = int(event.not_alive_count)
        self._presence.tell(bool(event.alive_count), time.monotonic())

    def _on_unwatched(self, _: Any) -> None:
        text = "that the policy dies will show only when its answers stay away: it, or the middleware, offers no lease"
        self._node.get_logger().warning(text)


def _differences(before: PolicyInfoMsg | None, now: PolicyInfoMsg | None) -> str:
    """What two policies say differently of themselves, apart from when they became ready."""
    fields = [name for name in PolicyInfoMsg.get_fields_and_field_types() if name != "header"]
    pairs = ((name, getattr(before, name, None), getattr(now, name, None)) for name in fields)
    return ", ".join(f"{name}: got {new}, expected {old}" for name, old, new in pairs if old != new)
