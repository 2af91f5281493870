"""Frames and paths on the wire."""

from collections.abc import Sequence

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, TransformStamped
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from segue_sim.description.chunk_path import ToolPath
from segue_sim.description.tree import TreeFrame

_WIDTH_M = 0.005
_COLOURS = ((0.10, 0.55, 0.95), (0.95, 0.45, 0.10), (0.20, 0.70, 0.30), (0.75, 0.30, 0.80))
_CLOSING = 0.45  # how bright the colour is where the gripper is closed
_FADED = 0.25  # opacity of the last row


def transform(frame: TreeFrame, prefix: str, stamp: Time) -> TransformStamped:
    """geometry_msgs/TransformStamped, `prefix` before both frames."""
    message = TransformStamped(child_frame_id=prefix + frame.child)
    message.header.frame_id, message.header.stamp = prefix + frame.parent, stamp
    move, turn = message.transform.translation, message.transform.rotation
    move.x, move.y, move.z = frame.position
    turn.w, turn.x, turn.y, turn.z = frame.quaternion
    return message


def path_markers(paths: Sequence[ToolPath], frame: str, stamp: Time, lifetime_s: float) -> MarkerArray:
    """A line per arm: it fades towards the end of the chunk, and is darker where the gripper is closed."""
    return MarkerArray(markers=[_line(path, i, frame, stamp, lifetime_s) for i, path in enumerate(paths)])


def _line(path: ToolPath, index: int, frame: str, stamp: Time, lifetime_s: float) -> Marker:
    marker = Marker(ns="chunk", id=index, type=Marker.LINE_STRIP, action=Marker.ADD, text=path.arm)
    marker.header.frame_id, marker.header.stamp = frame, stamp
    marker.pose.orientation.w = 1.0
    marker.scale.x = _WIDTH_M
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    whole = int(lifetime_s)
    marker.lifetime = Duration(sec=whole, nanosec=round((lifetime_s - whole) * 1e9) % 1_000_000_000)
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in path.points.tolist()]
    count = len(path.points)
    marker.colors = [
        _colour(index, opening, row / max(1, count - 1)) for row, opening in enumerate(path.openings.tolist())
    ]
    return marker


def _colour(arm: int, opening: float, done: float) -> ColorRGBA:
    bright = _CLOSING + (1.0 - _CLOSING) * min(1.0, max(0.0, opening))
    red, green, blue = (bright * part for part in _COLOURS[arm % len(_COLOURS)])
    return ColorRGBA(r=red, g=green, b=blue, a=1.0 - (1.0 - _FADED) * done)
