"""A fixture declared in the task's YAML: bodies, joints, shapes and named places, no code.

Bodies are called `<fixture>_<body>`, their joints likewise, and places `<fixture>_<place>`.
"""

import itertools

import mujoco
import numpy as np
from pydantic import Field

from segue_control.robot import rotation_wxyz
from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import NotNegative
from segue_core.contracts.shape import BodyConfig, JointConfig
from segue_core.contracts.task import FixtureConfig
from segue_core.errors import unknown_name
from segue_sim.layout import Layout
from segue_sim.parts.base import Part, options_of, set_free_pose, yaw_quaternion
from segue_sim.shapes import add_marker, add_shape, seeds_colour

_KINDS = {"slide": mujoco.mjtJoint.mjJNT_SLIDE, "hinge": mujoco.mjtJoint.mjJNT_HINGE}


class AssemblyOptions(StrictModel):
    """Bodies by name, each after the one that carries it."""

    bodies: dict[str, BodyConfig] = Field(min_length=1)
    loose: bool = Field(
        default=False, description="stands on the table by its weight, so that a push moves it"
    )
    clearance_m: NotNegative = Field(
        default=0.0, description="how far from its centre objects start at least"
    )


class Assembly(Part):
    """See the module."""

    def __init__(self, name: str, options: AssemblyOptions, joints: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        self.options, self.clearance = options, options.clearance_m
        for joint in joints:
            if joint not in self._joints():
                raise unknown_name(f"joint of fixture '{name}'", joint, self._joints())

    def _joints(self) -> list[str]:
        return [name for name, body in self.options.bodies.items() if body.joint is not None]

    def body(self, name: str) -> str:
        """Name in the world of one of its bodies, and of that body's joint."""
        return f"{self.name}_{name}"

    def build(self, spec: mujoco.MjSpec) -> None:
        """All bodies on a frame of its own."""
        root = spec.worldbody.add_body()
        root.name = self.name
        if self.options.loose:
            root.add_freejoint().name = self.name
        made: dict[str, mujoco.MjsBody] = {"": root}
        for name, config in self.options.bodies.items():
            if config.carrier not in made:
                raise unknown_name(
                    f"body that carries '{name}' of fixture '{self.name}'", config.carrier, [*made][1:]
                )
            carrier = spec.worldbody if config.free else made[config.carrier]
            made[name] = self._add_body(carrier, name, config)
        self._keep_apart(spec)

    def _keep_apart(self, spec: mujoco.MjSpec) -> None:
        """What is joined does not collide with itself: ranges of joints say how far it moves."""
        joined = [name for name, config in self.options.bodies.items() if not config.free]
        for one, other in itertools.combinations(joined, 2):
            apart = spec.add_exclude()
            apart.bodyname1, apart.bodyname2 = self.body(one), self.body(other)

    def _add_body(self, carrier: mujoco.MjsBody, name: str, config: BodyConfig) -> mujoco.MjsBody:
        body = carrier.add_body()
        body.name, body.pos = self.body(name), config.at
        body.quat = rotation_wxyz.from_rotation_vector(config.turn_rad)
        if config.joint is not None:
            _add_joint(body, config.joint)
        if config.free:
            body.add_freejoint().name = body.name
        for number, shape in enumerate(config.shapes):
            add_shape(body, shape, number)
        for place, marker in config.sites.items():
            add_marker(body, f"{self.name}_{place}", marker)
        return body

    def place(self, model: mujoco.MjModel, data: mujoco.MjData, layout: Layout) -> None:
        """Where the seed says, joints where they start."""
        place = layout.fixtures[self.name]
        position = (place.x, place.y, place.height)
        if self.options.loose:
            set_free_pose(model, data, self.name, position, place.yaw)
        else:
            root = model.body(self.name)
            root.pos[:], root.quat[:] = position, yaw_quaternion(place.yaw)
        for name, config in self.options.bodies.items():
            if config.free:
                x, y, z = config.at
                c, s = np.cos(place.yaw), np.sin(place.yaw)
                at = (place.x + c * x - s * y, place.y + s * x + c * y, place.height + z)
                set_free_pose(model, data, self.body(name), at, place.yaw, config.turn_rad)
        for name in self._joints():
            data.qpos[model.joint(self.body(name)).qposadr[0]] = place.joints.get(name, 0.0)
        for name in self.options.bodies:
            model.geom_rgba[seeds_colour(model, model.body(self.body(name)).id), :3] = place.colour

    def graspable(self) -> dict[str, tuple[str, ...]]:
        """Every body."""
        return {self.body(name): (self.body(name),) for name in self.options.bodies}


def _add_joint(body: mujoco.MjsBody, config: JointConfig) -> None:
    joint = body.add_joint()
    joint.name, joint.type = body.name, _KINDS[config.kind]
    joint.axis = np.asarray(config.axis) / np.linalg.norm(config.axis)
    joint.range, joint.limited = config.range, mujoco.mjtLimited.mjLIMITED_TRUE
    joint.damping, joint.frictionloss, joint.stiffness = config.damping, config.friction, config.stiffness


def create(name: str, config: FixtureConfig) -> Assembly:
    """An assembly with the options of `AssemblyOptions`."""
    return Assembly(name, options_of(AssemblyOptions, name, config), tuple(config.joints))
