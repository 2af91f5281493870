"""A contract's repairs change the description of a model file, and refuse to be for another file."""

import mujoco
import numpy as np
import pytest

from segue_control.robot.repairs import repair
from segue_core.contracts.model import BodyRepair, JointRepair, ModelRepairs
from segue_core.errors import ConfigError

HAND = """
<mujoco>
  <compiler autolimits="true"/>
  <worldbody>
    <body name="r:hand" pos="1 2 3">
      <joint name="r:lift" type="slide" axis="0 0 1" damping="1e11" stiffness="7"/>
      <geom size="0.1" mass="1"/>
      <body name="r:left" pos="0 0.1 0">
        <joint name="r:finger_l" type="slide" axis="0 1 0"/><geom size="0.01"/>
        <inertial mass="4" pos="0 0 0" diaginertia="0.1 0.1 0.1"/>
      </body>
      <body name="r:right" pos="0 -0.1 0">
        <joint name="r:finger_r" type="slide" axis="0 -1 0"/><geom size="0.01" mass="4"/>
      </body>
    </body>
    <body name="mocap" mocap="true"/>
  </worldbody>
  <contact><exclude body1="r:left" body2="r:right"/></contact>
  <equality><weld body1="mocap" body2="r:hand"/></equality>
</mujoco>
"""


def repaired(repairs: ModelRepairs) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_string(HAND)
    repair(spec, repairs)
    return spec.compile()


def test_names_lose_their_prefix_wherever_they_are_used() -> None:
    model = repaired(ModelRepairs(strip_prefix="r:"))
    assert [model.joint(i).name for i in range(model.njnt)] == ["lift", "finger_l", "finger_r"]
    assert model.nexclude == 1


def test_what_a_repair_names_changes_and_the_rest_stays() -> None:
    lift = JointRepair(match="*lift", kind="hinge", damping=2.0, range=(-1.0, 1.0))
    model = repaired(ModelRepairs(joints=(lift,), drop_equalities=True))
    joint = model.joint("r:lift")
    assert model.neq == 0 and joint.type[0] == mujoco.mjtJoint.mjJNT_HINGE
    assert (joint.damping[0], joint.stiffness[0]) == (2.0, 7.0)
    np.testing.assert_array_equal(joint.range, (-1.0, 1.0))


def test_a_later_repair_of_the_same_joint_wins() -> None:
    both = JointRepair(match="*", damping=3.0), JointRepair(match="*finger_?", damping=5.0)
    model = repaired(ModelRepairs(joints=both))
    assert [float(model.joint(i).damping[0]) for i in range(3)] == [3.0, 5.0, 5.0]


def test_the_inertia_of_a_body_follows_its_mass() -> None:
    heavy = repaired(ModelRepairs()).body("r:left")
    light = repaired(ModelRepairs(bodies=(BodyRepair(match="r:left", mass=0.08),))).body("r:left")
    assert light.mass[0] == pytest.approx(0.08)
    np.testing.assert_allclose(light.inertia / light.mass[0], heavy.inertia / heavy.mass[0])


def test_a_mass_that_only_shapes_have_is_not_replaced() -> None:
    with pytest.raises(ConfigError, match="r:right"):
        repaired(ModelRepairs(bodies=(BodyRepair(match="r:right", mass=0.08),)))


def test_joints_of_a_tendon_move_alike() -> None:
    model = repaired(
        ModelRepairs(
            drop_equalities=True,
            joints=(JointRepair(match="r:*", damping=1.0),),
            tendons={"fingers": {"r:finger_l": 0.5, "r:finger_r": 0.5}},
        )
    )
    model.opt.gravity[:] = 0.0
    data = mujoco.MjData(model)
    data.qfrc_applied[model.joint("r:finger_l").dofadr[0]] = 1.0  # one finger is pushed ...
    mujoco.mj_step(model, data, 200)
    left, right = (float(data.joint(f"r:finger_{side}").qpos[0]) for side in "lr")
    assert left > 0.005 and right == pytest.approx(left, rel=0.02)  # ... and both go
    assert float(data.tendon("fingers").length[0]) == pytest.approx((left + right) / 2, abs=1e-3)


@pytest.mark.parametrize(
    "repairs",
    [
        ModelRepairs(joints=(JointRepair(match="elbow*", damping=1.0),)),
        ModelRepairs(bodies=(BodyRepair(match="elbow*", mass=1.0),)),
    ],
)
def test_a_repair_of_something_that_is_not_there_is_refused(repairs: ModelRepairs) -> None:
    with pytest.raises(ConfigError, match=r"elbow\*.*r:"):
        repaired(repairs)
