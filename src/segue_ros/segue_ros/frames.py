"""Names of coordinate frames. /tf is one for all robots of a domain, so a namespace is a prefix: `left/base_link`."""

from rclpy.node import Node


def optical_frame(camera: str) -> str:
    """REP-103 optical frame of a camera: x right, y down, z forward."""
    return f"{camera}_camera_optical_frame"


def prefix(node: Node) -> str:
    """What robot_state_publisher calls `frame_prefix`: "left/" for a node in /left, else empty."""
    namespace = node.get_namespace().strip("/")
    return f"{namespace}/" if namespace else ""
