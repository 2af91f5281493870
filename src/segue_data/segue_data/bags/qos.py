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


def _profile(depth: int, durability: QosDurability = QosDurability.VOLATILE) -> Qos:
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE,
        durability=durability,
        deadline=_INFINITE,
        lifespan=_INFINITE,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_INFINITE,
        avoid_ros_namespace_conventions=False,
    )


RELIABLE = _profile(10)
"""Commands, states and events: every message counts."""

SENSOR = _profile(5)
"""Cameras and joint states, as the simulator offers them (readers may ask for best effort)."""

LATCHED = _profile(1, QosDurability.TRANSIENT_LOCAL)
"""What late joiners need to know; written at the beginning of every bag."""
