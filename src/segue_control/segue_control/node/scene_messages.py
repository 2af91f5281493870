"""Scenes on the wire: `visualization_msgs/MarkerArray`, which RViz and Foxglove show as they are."""

from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker, MarkerArray

from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_core.errors import ConfigError, ErrorCode

_KINDS = {Shape.BOX: Marker.CUBE, Shape.SPHERE: Marker.SPHERE, Shape.CYLINDER: Marker.CYLINDER}
_SHAPES = {kind: shape for shape, kind in _KINDS.items()}
_GREY, _ALPHA = 0.6, 0.5
_MOST = 1000


def scene_to_msg(scene: Scene, frame: str, stamp: Time) -> MarkerArray:
    """One marker per obstacle, its name in `ns`; the first one deletes what was shown before."""
    clear = Marker(action=Marker.DELETEALL)
    clear.header.frame_id, clear.header.stamp = frame, stamp
    return MarkerArray(markers=[clear, *(_marker(obstacle, frame, stamp) for obstacle in scene.obstacles)])


def _marker(obstacle: Obstacle, frame: str, stamp: Time) -> Marker:
    marker = Marker(ns=obstacle.name, type=_KINDS[obstacle.shape], action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = frame, stamp
    position, turn, scale = marker.pose.position, marker.pose.orientation, marker.scale
    position.x, position.y, position.z = obstacle.position
    turn.w, turn.x, turn.y, turn.z = obstacle.quaternion
    scale.x, scale.y, scale.z = _extent(obstacle)
    marker.color.r = marker.color.g = marker.color.b = _GREY
    marker.color.a = _ALPHA
    return marker


def _extent(obstacle: Obstacle) -> tuple[float, ...]:
    size = obstacle.size
    if obstacle.shape is Shape.BOX:
        return size
    return (size[0], size[0], size[0] if obstacle.shape is Shape.SPHERE else size[1])


def scene_from_msg(message: MarkerArray) -> Scene:
    """The scene of a message; markers that are no plain shape (texts, lines, meshes) are left out.

    Raises:
        ConfigError: a shape without extent, a number that is not finite, or more markers than a planner can mind.
    """
    if len(message.markers) > _MOST:
        got, expected = f"{len(message.markers)} markers", f"{_MOST} or fewer"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "scene", got=got, expected=expected)
    shown = [marker for marker in message.markers if marker.action == Marker.ADD and marker.type in _SHAPES]
    return Scene(tuple(_obstacle(marker) for marker in shown))


def _obstacle(marker: Marker) -> Obstacle:
    shape, scale = _SHAPES[marker.type], marker.scale
    sizes = {
        Shape.BOX: (scale.x, scale.y, scale.z),
        Shape.SPHERE: (scale.x,),
        Shape.CYLINDER: (scale.x, scale.z),
    }
    position, turn = marker.pose.position, marker.pose.orientation
    place, quaternion = (position.x, position.y, position.z), (turn.w, turn.x, turn.y, turn.z)
    return Obstacle(
        f"{marker.ns}#{marker.id}" if marker.id else marker.ns, shape, sizes[shape], place, quaternion
    )
