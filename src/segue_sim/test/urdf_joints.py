"""Joints of a URDF, read without what is tested."""

from xml.etree import ElementTree as xml


def moving_joints(urdf: str) -> set[str]:
    """Names of those that move, and do not follow another."""
    joints = xml.fromstring(urdf).findall("joint")
    return {
        joint.get("name", "")
        for joint in joints
        if joint.get("type") != "fixed" and joint.find("mimic") is None
    }
