"""Domain randomisation: textures of the ground, lights, cameras and distractors, each with a seed stream of its own.

Switching one on changes neither the layout of a task nor any other of them: seed 7 keeps its objects where they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import mujoco
import numpy as np

from segue_control.robot import rotation_wxyz
from segue_core.arrays import Floats
from segue_core.contracts.task import TaskConfig
from segue_sim.layout import Layout, Placement
from segue_sim.objects import thing
from segue_sim.palette import PALETTE
from segue_sim.parts.base import set_free_pose
from segue_sim.room import GROUND

Vector = tuple[float, float, float]
_TEXTURE, _DISTRACTORS, _CAMERAS, _LIGHTS = 201, 202, 203, 204  # streams
_KINDS = ("jar", "ball", "marker")
_TEXTURES, _PIXELS = 12, 128
_PATTERNS = (
    mujoco.mjtBuiltin.mjBUILTIN_FLAT,
    mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
    mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
)
_UNDYED = 0.95  # a geom's colour multiplies its texture
_GAP_M, _TRIES = 0.13, 300
_AWAY = (-0.12, 0.65)  # corner of the table beside the robot, for distractors that found no room


@dataclass(frozen=True)
class Variation:
    """What a seed decides besides the layout; `texture` is None when the ground is plain."""

    texture: int | None = None
    distractors: dict[str, Placement] = field(default_factory=dict)
    cameras: tuple[tuple[Vector, Vector], ...] = ()  # offset [m] and rotation vector [rad], by camera
    lights: tuple[Vector, ...] = ()  # offset [m], by light


def distractor_names(task: TaskConfig) -> tuple[str, ...]:
    """Names of the distractors' bodies."""
    return tuple(
        f"distractor_{_KINDS[i % len(_KINDS)]}_{i + 1}" for i in range(task.randomisation.distractors)
    )


def _kind(name: str) -> str:
    return name.split("_")[1]


def add_variation(spec: mujoco.MjSpec, task: TaskConfig) -> None:
    """Add what variations need to a world's description: a set of textures, and the distractors."""
    if task.randomisation.textures:
        rng = np.random.default_rng(_TEXTURE)
        for number in range(_TEXTURES):
            _add_texture(spec, f"{GROUND}_{number}", rng)
    for name in distractor_names(task):
        body = spec.worldbody.add_body()
        body.name, body.pos = name, (0.0, 0.0, -1.0)
        body.add_freejoint().name = name
        thing(_kind(name)).build(spec, body)


def _add_texture(spec: mujoco.MjSpec, name: str, rng: np.random.Generator) -> None:
    texture = spec.add_texture()
    texture.name, texture.type = name, mujoco.mjtTexture.mjTEXTURE_2D
    texture.builtin = _PATTERNS[int(rng.integers(len(_PATTERNS)))]
    texture.width = texture.height = _PIXELS
    texture.rgb1, texture.rgb2 = rng.uniform(0.25, 0.95, 3), rng.uniform(0.25, 0.95, 3)
    texture.mark, texture.markrgb = mujoco.mjtMark.mjMARK_RANDOM, rng.uniform(0.1, 1.0, 3)
    texture.random = float(rng.uniform(0.0, 0.15))
    material = spec.add_material()
    material.name = name
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    repeat = float(rng.uniform(1.0, 6.0))
    material.texrepeat, material.texuniform = (repeat, repeat), True


def draw_variation(
    task: TaskConfig, seed: int, layout: Layout, clearances: dict[str, float], cameras: int, lights: int
) -> Variation:
    """The variation of episode `seed`. The same seed always gives the same one."""
    asked = task.randomisation
    texture = int(np.random.default_rng([seed, _TEXTURE]).integers(_TEXTURES)) if asked.textures else None
    turned = [np.random.default_rng([seed, _CAMERAS, i]) for i in range(cameras)]
    moved = [np.random.default_rng([seed, _LIGHTS, i]) for i in range(lights)]
    return Variation(
        texture,
        _distractors(np.random.default_rng([seed, _DISTRACTORS]), task, layout, clearances),
        tuple((_vector(rng, asked.camera_m), _vector(rng, asked.camera_rad)) for rng in turned),
        tuple(_vector(rng, asked.light_m) for rng in moved),
    )


def _vector(rng: np.random.Generator, size: float) -> Vector:
    """A vector no longer than `size`, in any direction."""
    direction = rng.normal(size=3)
    x, y, z = direction / np.linalg.norm(direction) * size * rng.uniform()
    return float(x), float(y), float(z)


def _distractors(
    rng: np.random.Generator, task: TaskConfig, layout: Layout, clearances: dict[str, float]
) -> dict[str, Placement]:
    taken = [(np.array([p.x, p.y]), task.object_gap + 0.04) for p in layout.objects.values()]
    taken += [
        (np.array([p.x, p.y]), max(clearances.get(name, 0.0), _GAP_M) + 0.04)
        for name, p in layout.fixtures.items()
    ]
    region, found = task.randomisation.distractor_region, {}
    for number, name in enumerate(distractor_names(task)):
        spot = _free_spot(rng, region.x, region.y, taken)
        at = np.array([_AWAY[0], _AWAY[1] - 0.12 * number]) if spot is None else spot
        taken.append((at, _GAP_M))
        colour = PALETTE[int(rng.integers(len(PALETTE)))]
        found[name] = Placement(float(at[0]), float(at[1]), float(rng.uniform(-np.pi, np.pi)), colour)
    return found


def _free_spot(
    rng: np.random.Generator,
    x: tuple[float, float],
    y: tuple[float, float],
    taken: Iterable[tuple[Floats, float]],
) -> Floats | None:
    for _ in range(_TRIES):
        spot = np.array([rng.uniform(*x), rng.uniform(*y)])
        if all(float(np.linalg.norm(spot - other)) >= clear for other, clear in taken):
            return spot
    return None


class Randomiser:
    """Makes a compiled model look like a variation; knows how it looked at first.

    Distractors stand at `height_m`, as the task's objects do.
    """

    def __init__(self, model: mujoco.MjModel, height_m: float = 0.0) -> None:
        self._model, self._height_m = model, height_m
        self._cameras = model.cam_pos.copy(), model.cam_quat.copy()
        self._lights = model.light_pos.copy()

    def arrange(self, data: mujoco.MjData, variation: Variation) -> None:
        """Move cameras and lights, change the ground, put the distractors down."""
        model = self._model
        for camera, (offset, turn) in enumerate(variation.cameras):
            model.cam_pos[camera] = self._cameras[0][camera] + offset
            quaternion = rotation_wxyz.multiply(
                self._cameras[1][camera].tolist(), rotation_wxyz.from_rotation_vector(turn)
            )
            model.cam_quat[camera] = quaternion
        for light, offset in enumerate(variation.lights):
            model.light_pos[light] = self._lights[light] + offset
        if variation.texture is not None:
            model.geom(GROUND).matid = model.material(f"{GROUND}_{variation.texture}").id
            model.geom(GROUND).rgba[:3] = _UNDYED
        for name, place in variation.distractors.items():
            height = self._height_m + thing(_kind(name)).rest_height + 0.001
            set_free_pose(model, data, name, (place.x, place.y, height), place.yaw)
            body = model.body(name).id
            model.geom_rgba[model.geom_bodyid == body, :3] = place.colour
