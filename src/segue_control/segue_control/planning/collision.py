"""Does the robot touch itself or a scene? Asked of MuJoCo, for poses and for straight lines in joint space.

A line is sampled so finely that between two samples no point of the robot moves further than the clearance. Every
sample keeps the clearance, so at least half of it is left everywhere in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from segue_control.planning.scene import Obstacle, Scene, Shape
from segue_control.robot.held import place_held
from segue_control.robot.model import robot_spec
from segue_control.robot.model_checks import compiled
from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig

_OBSTACLE = "obstacle "  # before the names of the scene's bodies
_NO_NEARER_M = 1e-3
_GEOMS = {
    Shape.BOX: mujoco.mjtGeom.mjGEOM_BOX,
    Shape.SPHERE: mujoco.mjtGeom.mjGEOM_SPHERE,
    Shape.CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
}


@dataclass(frozen=True)
class Touch:
    """Two bodies that are nearer to each other than the clearance; negative distances are overlaps."""

    first: str
    second: str
    distance_m: float

    @property
    def pair(self) -> tuple[str, str]:
        """Both names, in order."""
        return self.first, self.second

    @property
    def with_obstacle(self) -> bool:
        """Whether one of them belongs to the scene."""
        return any(name.startswith(_OBSTACLE) for name in self.pair)

    def __str__(self) -> str:
        return f"{self.first} and {self.second} ({1000 * self.distance_m:+.0f} mm)"


def describe(touches: Iterable[Touch]) -> str:
    """Who touches whom, nearest first, for an error text."""
    return ", ".join(str(touch) for touch in sorted(touches, key=lambda touch: touch.distance_m)[:4])


def _add(spec: mujoco.MjSpec, obstacle: Obstacle) -> None:
    """Each obstacle is a body of its own, so that contacts can name it."""
    body = spec.worldbody.add_body()
    body.name, body.pos, body.quat = f"{_OBSTACLE}{obstacle.name}", obstacle.position, obstacle.quaternion
    geom = body.add_geom()
    geom.type = _GEOMS[obstacle.shape]
    size = 0.5 * np.array(obstacle.size)
    geom.size = np.concatenate([size, np.zeros(3 - len(size))])


def _model(robot: RobotConfig, scene: Scene) -> mujoco.MjModel:
    spec = robot_spec(robot)
    for group in (spec.actuators, spec.cameras):
        for element in list(group):
            element.delete()
    fingers = {f"{arm.name}_{joint}" for arm in robot.arms for joint in arm.gripper.finger_joints}
    for body in spec.bodies:
        if any(joint.name in fingers for joint in body.joints):
            for (
                geom
            ) in body.geoms:  # hulls that let go of objects when they are held still must not hit the table
                geom.contype = geom.conaffinity = 1
    for obstacle in scene.obstacles:
        _add(spec, obstacle)
    return compiled(robot, spec)


def _reaches(model: mujoco.MjModel, joints: NDArray[np.intp]) -> Floats:
    """How far (n,) any point of the robot moves at most per unit of each joint: [m/rad], or 1 for a slide."""
    below = [np.zeros(model.ngeom, dtype=bool) for _ in joints]
    lengths = np.zeros((len(joints), model.ngeom))
    for geom in range(model.ngeom):
        length = float(np.linalg.norm(model.geom_pos[geom]) + model.geom_rbound[geom])
        body = int(model.geom_bodyid[geom])
        while body:
            for index, joint in enumerate(joints):
                if model.jnt_bodyid[joint] == body:
                    below[index][geom], lengths[index, geom] = True, length + _travel(model, body)
            length += float(np.linalg.norm(model.body_pos[body])) + _travel(model, body)
            body = int(model.body_parentid[body])
    hinges = model.jnt_type[joints] == mujoco.mjtJoint.mjJNT_HINGE
    longest = np.array([lengths[i][below[i]].max(initial=0.0) for i in range(len(joints))])
    return np.where(hinges, longest, 1.0)


def _travel(model: mujoco.MjModel, body: int) -> float:
    """How far the slides of a body can take it from where the model has it [m]."""
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    slides = [j for j in range(first, first + count) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE]
    return float(sum(np.abs(model.jnt_range[j]).max() for j in slides))


class CollisionModel:
    """Collision queries for one robot in one scene. Not thread safe: it owns one `mujoco.MjData`.

    Pairs of bodies that are nearer than the clearance in the home pose, such as neighbouring links, are no concern.
    """

    def __init__(self, robot: RobotConfig, scene: Scene, clearance_m: float) -> None:
        self._model = _model(robot, scene)
        self._model.geom_margin[:] = clearance_m
        self._data = mujoco.MjData(self._model)
        joints = np.array([self._model.joint(name).id for name in robot.joint_names])
        self._qpos = self._model.jnt_qposadr[joints]
        self._reach = _reaches(self._model, joints)
        self._clearance_m = clearance_m
        self._place_rest(robot)
        self._allowed: dict[tuple[str, str], float] = {}
        home = self.touches(np.array(robot.pose_rad("home")))
        self._neighbours = {touch.pair: -np.inf for touch in home if not touch.with_obstacle}
        self._allowed = dict(self._neighbours)

    def _place_rest(self, robot: RobotConfig) -> None:
        """Held joints where they are held; fingers open, which is where they take most room."""
        place_held(robot, self._model, self._data)
        for arm in robot.arms:
            for joint, opened in zip(arm.gripper.finger_joints, arm.gripper.opened, strict=True):
                self._data.qpos[self._model.joint(f"{arm.name}_{joint}").qposadr[0]] = opened

    def touches(self, q: Floats) -> tuple[Touch, ...]:
        """What is too near to what with the joints at `q` (n,) [rad]; empty when the pose is free."""
        self._data.qpos[self._qpos] = q
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_collision(self._model, self._data)
        if not self._data.ncon:
            return ()
        found: dict[tuple[str, str], float] = {}
        for geoms, distance in zip(self._data.contact.geom, self._data.contact.dist, strict=True):
            names = sorted(self._body_name(geom) for geom in geoms)
            pair = (names[0], names[1])
            found[pair] = min(found.get(pair, np.inf), float(distance))
        return tuple(
            Touch(*pair, gap) for pair, gap in found.items() if gap < self._allowed.get(pair, np.inf)
        )

    def leave(self, touches: Iterable[Touch]) -> None:
        """Lets what is near at a start be as near as it is, and no nearer: a hand may leave what it holds.

        Replaces what the call before allowed.
        """
        near = {touch.pair: touch.distance_m - _NO_NEARER_M for touch in touches}
        self._allowed = near | self._neighbours

    def _body_name(self, geom: int) -> str:
        return str(self._model.body(int(self._model.geom_bodyid[geom])).name)

    def along(self, start: Floats, end: Floats) -> tuple[Touch, ...]:
        """The first touches on the straight line between two poses (n,), both included; empty when it is free."""
        count = 1 + int(np.ceil(self._reach @ np.abs(end - start) / self._clearance_m))
        for share in np.linspace(0.0, 1.0, count + 1):
            touches = self.touches(start + share * (end - start))
            if touches:
                return touches
        return ()

    def step_rad(self) -> float:
        """A step of all joints together (norm) that moves no point further than the clearance."""
        return float(self._clearance_m / np.linalg.norm(self._reach))
