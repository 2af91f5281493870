"""Poses and meshes in the formats of URDF and SDF."""

from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

from segue_core.arrays import Floats


@dataclass(frozen=True, eq=False)
class Pose:
    """A rigid transform: `rotation` (3, 3) and `position` (3,) [m] of a frame in its parent."""

    rotation: Floats
    position: Floats

    def __matmul__(self, other: "Pose") -> "Pose":
        """First `other`, then this: T_a_c = T_a_b @ T_b_c."""
        return Pose(self.rotation @ other.rotation, self.position + self.rotation @ other.position)

    def inverse(self) -> "Pose":
        """T_b_a of T_a_b."""
        return Pose(self.rotation.T, -self.rotation.T @ self.position)

    @property
    def rpy(self) -> Floats:
        """Fixed-axis roll, pitch and yaw (3,) [rad], as URDF and SDF have them: R = Rz(y) Ry(p) Rx(r)."""
        r = self.rotation
        pitch = np.arctan2(-r[2, 0], np.hypot(r[0, 0], r[1, 0]))
        if np.isclose(np.cos(pitch), 0.0, atol=1e-9):  # gimbal lock: all of the turn about z
            return np.array([0.0, pitch, np.arctan2(-r[0, 1], r[1, 1])])
        return np.array([np.arctan2(r[2, 1], r[2, 2]), pitch, np.arctan2(r[1, 0], r[0, 0])])


def translation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Pose:
    """A pure translation [m]."""
    return Pose(np.eye(3), np.array([x, y, z]))


def pose_of(position: Floats, quaternion: Floats) -> Pose:
    """From a position (3,) and a unit quaternion (4,), w first, as MuJoCo has them."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, np.asarray(quaternion, dtype=np.float64))
    return Pose(matrix.reshape(3, 3), np.array(position, dtype=np.float64))


def numbers(values: Floats) -> str:
    """Numbers as text, micrometres and microradians kept."""
    return " ".join(f"{value:.9g}" for value in np.where(np.abs(values) < 1e-12, 0.0, values))


def write_stl(model: mujoco.MjModel, mesh: int, path: Path) -> None:
    """The compiled mesh as binary STL: vertices as MuJoCo uses them, scaled and centred."""
    first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
    vertices = model.mesh_vert[first : first + count]
    first, count = int(model.mesh_faceadr[mesh]), int(model.mesh_facenum[mesh])
    corners = vertices[model.mesh_face[first : first + count]].astype("<f4")  # (F, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    triangles = np.zeros(len(corners), dtype=record)
    triangles["normal"], triangles["corners"] = normals / np.maximum(lengths, 1e-20), corners
    header = b"segue: compiled mesh".ljust(80, b" ")
    path.write_bytes(header + np.uint32(len(corners)).tobytes() + triangles.tobytes())
