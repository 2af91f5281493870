"""What a user has added for programs to find reaches them; what would be mixed with our ROS 2 does not."""

import os
from pathlib import Path

from segue_bringup.environment.caller_overlays import own_paths, with_own_paths
from segue_bringup.environment.workspace import Workspace

ROOT = Path("/workspace")


def joined(*paths: Path) -> str:
    return os.pathsep.join(map(str, paths))


def test_own_packages_and_overlays_come_behind_ours(tmp_path: Path) -> None:
    overlay, packages = tmp_path / "overlay", tmp_path / "packages"
    given = {
        "PYTHONPATH": joined(ROOT / "src" / "segue_bringup", packages),
        "AMENT_PREFIX_PATH": joined(overlay, ROOT / "install" / "segue_core"),
        "LD_LIBRARY_PATH": joined(overlay / "lib", tmp_path / "else"),
    }
    own = own_paths(Workspace(ROOT), given)
    child = with_own_paths({"PYTHONPATH": "/ours", "AMENT_PREFIX_PATH": "/ours", "OTHER": "kept"}, own)
    assert child == {
        "PYTHONPATH": f"/ours{os.pathsep}{packages}",
        "AMENT_PREFIX_PATH": f"/ours{os.pathsep}{overlay}",
        "LD_LIBRARY_PATH": str(overlay / "lib"),
        "OTHER": "kept",
    }


def test_another_ros_is_not_mixed_with_ours(tmp_path: Path) -> None:
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "rclpy").touch()
    python = tmp_path / "lib" / "python3" / "site-packages"
    (python / "rclpy").mkdir(parents=True)
    own = own_paths(
        Workspace(ROOT),
        {
            "PYTHONPATH": str(python),
            "AMENT_PREFIX_PATH": str(tmp_path),
            "LD_LIBRARY_PATH": str(tmp_path / "lib"),
        },
    )
    assert not any(own.values())
