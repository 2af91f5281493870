"""Named quality-of-service profiles, so that both ends of every topic agree.

A best-effort subscription matches every publisher, a reliable publisher every subscription: sensors are
published with `SENSOR_SOURCE` and read with `SENSOR`, which is also what camera drivers and tools expect.
"""

from collections.abc import Mapping
from typing import Any

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy


def _keep_last(depth: int, reliability: ReliabilityPolicy, durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability
    )


SENSOR = _keep_last(5, ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)
"""Subscriptions to cameras and joint states: the newest is wanted, a lost one is not worth waiting for."""

SENSOR_SOURCE = _keep_last(5, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Publishers of cameras."""

JOINT_SOURCE = _keep_last(60, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Publishers of joint states: half a second at 120 Hz, so that a recorder on a busy machine loses none."""

JOINTS = _keep_last(60, ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)
"""Subscriptions that want the joint states of a certain time, not the newest ones."""

OBSERVATION = _keep_last(2, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Synchronised observations."""

COMMAND = _keep_last(4, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Commands per tick and joint commands: bounded, so that a flood drops the oldest."""

ANSWERS = _keep_last(60, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Subscription to joint commands in a world that waits for each: a second sender must not push the owner's out."""

STATE = _keep_last(10, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""States, progress and events."""

LATCHED = _keep_last(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""What late joiners need to know, such as a description or a mode."""


def alive(lease_s: float) -> QoSProfile:
    """As `LATCHED`, where DDS itself says whether the publisher's process lives, whatever its Python is busy with.

    A publisher says so every two thirds of the lease that it offers. A subscription learns it when nothing was heard
    for the lease that it asks for, which must not be shorter; a long one survives a network that loses packets.
    """
    profile = _keep_last(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
    profile.liveliness = LivelinessPolicy.AUTOMATIC
    profile.liveliness_lease_duration = Duration(seconds=lease_s)
    return profile


PULSE_S = 0.15
"""Lease [s] that a publisher offers whose death is watched: ten signs of life a second."""

CROWDED = _keep_last(200, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE)
"""Services that many may ask at the same moment; of the usual ten requests and answers the oldest would be lost."""

CROWDED_ACTION: Mapping[str, Any] = {
    f"{service}_service_qos_profile": CROWDED for service in ("goal", "result", "cancel")
}
"""An action that many may ask for, at both ends: every client hears the answers of all before it picks out its own."""

REASONS = _keep_last(200, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""What somebody may ask for afterwards: why the last goals were rejected."""

GATHERED = _keep_last(100, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""Subscriptions to what several nodes say once, each its own part, such as /tf_static."""

RECENT = _keep_last(30, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
"""What late joiners need the last second of, such as the simulator's state for a policy that is asked about a tick."""
