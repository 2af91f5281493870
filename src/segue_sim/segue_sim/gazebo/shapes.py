"""The shapes of a body as URDF or SDF elements, which spell them alike."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as xml

import mujoco
import numpy as np

from segue_sim.gazebo.geometry import Pose, numbers, pose_of, translation, write_stl

_VISIBLE_GROUPS = 3  # MuJoCo shows groups 0 to 2
_FLOOR_M = np.array([8.0, 8.0, 0.02])  # of an endless plane
_Geom = mujoco.mjtGeom


@dataclass(frozen=True, eq=False)
class Part:
    """One primitive or mesh: `kind` and its `sizes` by name, its pose in the body, and what it is for."""

    kind: str
    sizes: dict[str, str]
    pose: Pose
    rgba: tuple[float, float, float, float]
    visible: bool
    touchable: bool


class Shapes:
    """Reads the geoms of a model; meshes are written to a folder when they are first met."""

    def __init__(self, model: mujoco.MjModel, folder: Path) -> None:
        self._model, self._folder = model, folder
        self._meshes: dict[int, Path] = {}

    def of(self, body: int) -> list[Part]:
        """All parts of a body; a capsule is a cylinder with two spheres. Planes become wide flat boxes."""
        first, count = int(self._model.body_geomadr[body]), int(self._model.body_geomnum[body])
        return [part for geom in range(first, first + count) for part in self._parts(geom)]

    def _parts(self, geom: int) -> list[Part]:
        model = self._model
        visible = int(model.geom_group[geom]) < _VISIBLE_GROUPS and model.geom_rgba[geom][3] > 0
        touchable = bool(model.geom_contype[geom] or model.geom_conaffinity[geom])
        pose = pose_of(model.geom_pos[geom], model.geom_quat[geom])
        r, g, b, a = self._colour(geom)
        return [
            Part(kind, sizes, pose @ shift, (r, g, b, a), visible, touchable)
            for kind, sizes, shift in self._primitives(geom)
        ]

    def _colour(self, geom: int) -> tuple[float, float, float, float]:
        material = int(self._model.geom_matid[geom])
        source = self._model.geom_rgba[geom] if material < 0 else self._model.mat_rgba[material]
        r, g, b, a = (float(value) for value in source)
        return r, g, b, a

    def _primitives(self, geom: int) -> list[tuple[str, dict[str, str], Pose]]:
        kind, size = int(self._model.geom_type[geom]), self._model.geom_size[geom]
        here = translation()
        if kind == _Geom.mjGEOM_BOX:
            return [("box", {"size": numbers(2 * size)}, here)]
        if kind == _Geom.mjGEOM_SPHERE:
            return [("sphere", {"radius": numbers(size[:1])}, here)]
        if kind in (_Geom.mjGEOM_CYLINDER, _Geom.mjGEOM_CAPSULE):
            rod = ("cylinder", {"radius": numbers(size[:1]), "length": numbers(2 * size[1:2])}, here)
            if kind == _Geom.mjGEOM_CYLINDER:
                return [rod]
            ends = (translation(z=float(size[1])), translation(z=-float(size[1])))
            return [rod, *(("sphere", {"radius": numbers(size[:1])}, end) for end in ends)]
        if kind == _Geom.mjGEOM_MESH:
            return [("mesh", {"filename": self._mesh(int(self._model.geom_dataid[geom])).as_uri()}, here)]
        if kind == _Geom.mjGEOM_PLANE:
            return [("box", {"size": numbers(_FLOOR_M)}, translation(z=-0.5 * float(_FLOOR_M[2])))]
        box = self._model.geom_aabb[geom]  # ellipsoids: the box around
        return [("box", {"size": numbers(np.maximum(2 * box[3:], 1e-3))}, translation(*box[:3]))]

    def _mesh(self, mesh: int) -> Path:
        if mesh not in self._meshes:
            name = re.sub(r"[^A-Za-z0-9_-]", "_", str(self._model.mesh(mesh).name))
            path = self._folder / f"{name}.stl"
            write_stl(self._model, mesh, path)
            self._meshes[mesh] = path
        return self._meshes[mesh]


def urdf_geometry(part: Part) -> xml.Element:
    """`<geometry>` with the sizes as attributes."""
    geometry = xml.Element("geometry")
    xml.SubElement(geometry, part.kind, part.sizes)
    return geometry


def sdf_geometry(part: Part) -> xml.Element:
    """`<geometry>` with the sizes as elements."""
    geometry = xml.Element("geometry")
    shape = xml.SubElement(geometry, part.kind)
    for name, value in part.sizes.items():
        xml.SubElement(shape, "uri" if name == "filename" else name).text = value
    return geometry


Geometry = Callable[[Part], xml.Element]
