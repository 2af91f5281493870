"""Every kind of joint of MuJoCo is one of SDF, with all that SDF can say about it; what it cannot say is told."""

from xml.etree import ElementTree as xml

import mujoco
import numpy as np
import pytest

from segue_sim.episode import Episode
from segue_sim.gazebo.geometry import pose_of
from segue_sim.gazebo.joints import hang, joint_name, joints_of
from segue_sim.gazebo.scenery import world_sdf
from segue_sim.gazebo.unsaid import unsaid
from segue_sim.testing import load_robot, load_task, task_names

KINDS = """
<mujoco>
  <worldbody>
    <body name="sprung" pos="0 0 1">
      <joint name="lift" type="slide" axis="0 0 1" range="-0.1 0.2" limited="true" stiffness="200" springref="0.05"
             damping="4" frictionloss="0.5"/>
      <geom size="0.1"/>
      <body name="ballast" pos="0.3 0 0"><geom size="0.05"/></body>
    </body>
    <body name="drifting" pos="1 0 1">
      <joint name="x" type="slide" axis="1 0 0" damping="0.1"/>
      <joint name="turn" type="hinge" axis="0 0 1" pos="0.1 0 0"/>
      <joint name="y" type="slide" axis="0 1 0"/>
      <geom size="0.1"/>
    </body>
    <body name="round" pos="2 0 1">
      <joint name="socket" type="ball" pos="0 0 0.2" damping="0.1"/>
      <geom size="0.1"/>
    </body>
    <body name="loose" pos="3 0 1"><freejoint/><geom size="0.1"/></body>
  </worldbody>
</mujoco>
"""


def _hung(body: str, **positions: float) -> tuple[list[xml.Element], mujoco.MjModel]:
    model = mujoco.MjModel.from_xml_string(KINDS)
    data = mujoco.MjData(model)
    for name, position in positions.items():
        data.joint(name).qpos[0] = position
    mujoco.mj_forward(model, data)
    number = model.body(body).id
    return list(hang(model, data, number, pose_of(data.xpos[number], data.xquat[number]))), model


def _number(element: xml.Element, path: str) -> float:
    return float(element.findtext(path, "nan"))


def test_limits_and_springs_are_counted_from_where_the_joint_stands() -> None:
    (joint,), _ = _hung("sprung", lift=0.02)
    assert joint.get("type") == "prismatic"
    said = {
        tag: _number(joint, f"axis/dynamics/{tag}") for tag in ("damping", "friction", "spring_stiffness")
    }
    assert said == {"damping": 4.0, "friction": 0.5, "spring_stiffness": 200.0}
    assert _number(joint, "axis/dynamics/spring_reference") == pytest.approx(0.05 - 0.02)
    assert _number(joint, "axis/limit/lower") == pytest.approx(-0.12)
    assert _number(joint, "axis/limit/upper") == pytest.approx(0.18)


def test_three_joints_of_one_body_are_three_joints_with_links_between() -> None:
    elements, model = _hung("drifting", turn=np.pi / 2)
    joints = [element for element in elements if element.tag == "joint"]
    links = [str(element.get("name")) for element in elements if element.tag == "link"]
    assert [joint.get("type") for joint in joints] == ["prismatic", "revolute", "prismatic"]
    assert [joint.findtext("child") for joint in joints] == [*links, "drifting"]
    assert [joint.findtext("parent") for joint in joints] == ["world", *links]
    last = np.array((joints[-1].findtext("axis/xyz") or "").split(), dtype=float)
    np.testing.assert_allclose(last, [0, 1, 0], atol=1e-9)  # in the frame of the body, which has turned
    first = np.array((joints[0].findtext("axis/xyz") or "").split(), dtype=float)
    np.testing.assert_allclose(first, [0, -1, 0], atol=1e-9)  # the world's x, there
    assert _number(joints[1], "axis/limit/upper") == 1e16, "a joint without limits turns for ever"
    masses = [_number(element, "inertial/mass") for element in elements if element.tag == "link"]
    assert 0 < sum(masses) < 0.05 * model.body("drifting").mass[0]


def test_balls_are_balls_free_bodies_hang_on_nothing_and_the_rest_is_fixed() -> None:
    (ball,), _ = _hung("round")
    assert ball.get("type") == "ball" and ball.find("axis") is None
    assert ball.findtext("pose", "").split()[2] == "0.2"
    assert _hung("loose")[0] == []
    (fixed,), _ = _hung("ballast")
    assert fixed.get("type") == "fixed" and fixed.findtext("parent") == "sprung"


@pytest.fixture(scope="module", params=task_names())
def world(request: pytest.FixtureRequest) -> Episode:
    task = load_task(request.param)
    return Episode(load_robot(task.robot), task, 1, render=False)


def test_every_joint_of_every_world_is_written_with_all_that_it_has(
    world: Episode, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = world.model
    root = xml.fromstring(world_sdf(world, tmp_path_factory.mktemp("meshes")))
    written = {joint.get("name"): joint for joint in root.iter("joint")}
    single = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)
    arms = tuple(f"{arm.name}_" for arm in world.robot.arms)
    for body in range(1, model.nbody):
        if str(model.body(body).name).startswith(arms):
            continue
        for joint in (j for j in joints_of(model, body) if model.jnt_type[j] in single):
            element, dof = written[joint_name(model, joint)], int(model.jnt_dofadr[joint])
            assert _number(element, "axis/dynamics/damping") == pytest.approx(model.dof_damping[dof])
            assert _number(element, "axis/dynamics/friction") == pytest.approx(model.dof_frictionloss[dof])
            assert _number(element, "axis/dynamics/spring_stiffness") == pytest.approx(
                model.jnt_stiffness[joint]
            )
            span = _number(element, "axis/limit/upper") - _number(element, "axis/limit/lower")
            assert span == pytest.approx(np.ptp(model.jnt_range[joint]) if model.jnt_limited[joint] else 2e16)
        assert model.body_jntnum[body] or _is_fixed(written, str(model.body(body).name), root)


def _is_fixed(written: dict[str | None, xml.Element], name: str, root: xml.Element) -> bool:
    if any(joint.get("type") == "fixed" and joint.findtext("child") == name for joint in written.values()):
        return True
    models = [m for m in root.iter("model") if any(link.get("name") == name for link in m.findall("link"))]
    return [m.findtext("static") for m in models] == ["true"]


def test_what_the_formats_cannot_say_is_said_in_words() -> None:
    task = load_task("towel")
    told = unsaid(Episode(load_robot(task.robot), task, 1, render=False))
    assert any(sentence.startswith("106 tendons (towel_") for sentence in told), told
    assert any("armature" in sentence and "the robot" in sentence for sentence in told), told
    pour = load_task("pour")
    told = unsaid(Episode(load_robot(pour.robot), pour, 1, render=False))
    assert any("8 free or ball joints (blocks_0" in sentence for sentence in told), told
