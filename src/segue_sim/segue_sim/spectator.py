"""A spectator's view of a robot at work: for videos, reports and galleries. No policy ever sees it.

Drawn after the fact from a recorded state of the world, or, of a real robot, from its joints alone: shadows and a room
around cost too much to be drawn beside a run.
"""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.arrays import Floats, Rgb
from segue_core.contracts.robot import RobotConfig, SpectatorConfig
from segue_core.contracts.task import TaskConfig
from segue_sim.episode import Episode
from segue_sim.room import add_room

WIDTH, HEIGHT = 854, 480
_STATE = int(mujoco.mjtState.mjSTATE_INTEGRATION)  # what simulator and lockstep record
_SKY, _HORIZON = (0.62, 0.70, 0.80), (0.93, 0.94, 0.95)
_FLOOR_RGB, _FLOOR_Z = (0.80, 0.79, 0.77), -0.75
_VIDEO, _STILL = (0, 1024), (4, 2048)  # samples per pixel, size of the shadow map: 40 and 90 ms on one core
_FOVY_DEG = 42.0


def usual_view(robot: RobotConfig) -> SpectatorConfig:
    """From the front and a little from the left, far enough for the workspace and the robot that stands behind it."""
    low, high = np.array(robot.workspace.low), np.array(robot.workspace.high)
    bases = np.array([arm.base_position for arm in robot.arms])
    low, high = np.minimum(low, bases.min(axis=0)), np.maximum(high, bases.max(axis=0))
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low))
    middle[2] = low[2] + 0.42 * (high[2] - low[2])
    place = middle + reach * np.array([0.90, 0.63, 0.52])
    return SpectatorConfig(position=tuple(place), look_at=tuple(middle), fovy_deg=_FOVY_DEG)


def _dress(spec: mujoco.MjSpec, robot: RobotConfig) -> None:
    """A sky, and a floor below the table: things that only a spectator sees, and nothing touches."""
    if robot.stand == "floor":
        return
    sky = spec.add_texture()
    sky.name, sky.type = "spectator_sky", mujoco.mjtTexture.mjTEXTURE_SKYBOX
    sky.builtin, sky.width, sky.height = mujoco.mjtBuiltin.mjBUILTIN_GRADIENT, 64, 384
    sky.rgb1, sky.rgb2 = _HORIZON, _SKY
    floor = spec.worldbody.add_geom()
    floor.name, floor.type = "spectator_floor", mujoco.mjtGeom.mjGEOM_PLANE
    floor.size, floor.pos = (0.0, 0.0, 0.1), (0.0, 0.0, _FLOOR_Z)
    floor.contype = floor.conaffinity = 0
    plain = spec.add_material()
    plain.name, plain.rgba, plain.emission = "spectator_floor", (*_FLOOR_RGB, 1.0), 0.45
    floor.material = plain.name


def _light(model: mujoco.MjModel, fine: bool) -> None:
    """Softer light from everywhere, and shadows from the first lamp."""
    model.vis.headlight.ambient[:] = 0.34
    model.vis.headlight.diffuse[:] = 0.22
    model.vis.headlight.specular[:] = 0.05
    model.vis.quality.offsamples, model.vis.quality.shadowsize = _STILL if fine else _VIDEO
    model.light_castshadow[:1] = True


class Spectator:
    """Draws one recording; `fine`: for a few pictures. Belongs to the thread that made it (an OpenGL context)."""

    def __init__(
        self, robot: RobotConfig, model: mujoco.MjModel, data: mujoco.MjData, fine: bool = False
    ) -> None:
        self._model, self._data = model, data
        _light(model, fine)
        model.vis.global_.offwidth, model.vis.global_.offheight = WIDTH, HEIGHT
        view = robot.spectator or usual_view(robot)
        model.vis.global_.fovy = view.fovy_deg
        self._camera = _camera(view)
        self._renderer = mujoco.Renderer(model, HEIGHT, WIDTH)

    @classmethod
    def of_world(cls, robot: RobotConfig, task: TaskConfig, seed: int, fine: bool = False) -> Spectator:
        """Of a simulated world; feed it with `show_state`."""
        world = Episode(robot, task, seed, render=False, dress=_dress)
        return cls(robot, world.model, world.data, fine)

    @classmethod
    def of_robot(cls, robot: RobotConfig) -> Spectator:
        """Of a robot of which only the joints are known; feed it with `show_joints`."""
        spec = robot_spec(robot)
        add_room(spec, robot)
        _dress(spec, robot)
        model = compiled(robot, spec)
        return cls(robot, model, mujoco.MjData(model))

    @property
    def state_size(self) -> int:
        """Numbers in a state."""
        return int(mujoco.mj_stateSize(self._model, _STATE))

    def show_state(self, values: Floats) -> None:
        """The whole world as MuJoCo's mjSTATE_INTEGRATION (n,)."""
        mujoco.mj_setState(self._model, self._data, np.array(values, dtype=np.float64), _STATE)
        self._place()

    def show_joints(self, names: Sequence[str], positions: Floats) -> None:
        """Joints by name (n,) [rad or m]; names that are no joints of the model are left out."""
        for name, position in zip(names, positions, strict=True):
            number = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_JOINT, name)
            if number >= 0:
                self._data.qpos[self._model.jnt_qposadr[number]] = position
        self._place()

    def _place(self) -> None:
        """Where everything is, without contacts: nothing will be stepped."""
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        mujoco.mj_flex(self._model, self._data)

    def picture(self) -> Rgb:
        """RGB (HEIGHT, WIDTH, 3); the array belongs to the caller."""
        self._renderer.update_scene(self._data, camera=self._camera)
        return np.array(self._renderer.render(), dtype=np.uint8)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()


def _camera(view: SpectatorConfig) -> mujoco.MjvCamera:
    """A free camera at the view's place."""
    way = np.subtract(view.look_at, view.position)
    camera = mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = view.look_at
    camera.distance = float(np.linalg.norm(way))
    camera.azimuth = float(np.degrees(np.arctan2(way[1], way[0])))
    camera.elevation = float(np.degrees(np.arcsin(way[2] / camera.distance)))
    return camera
