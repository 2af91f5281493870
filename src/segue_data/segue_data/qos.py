"""Offered quality of service written into a bag, so that `ros2 bag play` republishes as the robot did.

Source: REP-2003 and rmw_qos_profiles; the values equal what the live nodes offer.
"""

from __future__ import annotations

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

_INFINITE = QosTime(9223372036, 854775807)


def _profile(reliability: QosReliability, depth: int) -> Qos:
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=QosDurability.VOLATILE,
        deadline=_INFINITE,
        lifespan=_INFINITE,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_INFINITE,
        avoid_ros_namespace_conventions=False,
    )


RELIABLE = _profile(QosReliability.RELIABLE, 10)
"""Commands, states and events: every message counts."""

SENSOR = _profile(QosReliability.RELIABLE, 5)
"""Cameras and joint states, as the simulator offers them (readers may ask for best effort)."""
