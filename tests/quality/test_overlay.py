"""Messages of overlay/ are ROS's own on the wire: the same type hashes."""

import json
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory

# As geometry2 0.36 and control_msgs 6.8 have them, built from their sources; control_msgs the same since 6.3.
_HASHES = {
    "tf2_msgs/msg/TFMessage": "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    "control_msgs/action/FollowJointTrajectory": "ff29901b2693f5deb847e96084a1c2cdb26e70b7c847be21859b70a55fb29cf0",
    "control_msgs/action/GripperCommand": "e17c0e644eccf14bea84a0a93e0977182872c2eb7873ca6694900059b46dbc84",
    "control_msgs/action/ParallelGripperCommand": "adfd3c1ebe8abc38ebcc0e454b6423d291d4010dd5697d14eca5b9be4726ae18",
}


@pytest.mark.parametrize("name", _HASHES)
def test_a_message_of_the_overlay_has_the_type_hash_of_ros(name: str) -> None:
    package, kind, short = name.split("/")
    described = Path(get_package_share_directory(package), kind, f"{short}.json").read_text()
    hashes = {one["type_name"]: one["hash_string"] for one in json.loads(described)["type_hashes"]}
    assert hashes[name] == f"RIHS01_{_HASHES[name]}"
