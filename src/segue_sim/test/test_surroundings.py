"""What planned moves are told about the simulated world is what can be touched there, and the robot is not in it."""

import mujoco
import numpy as np
from builtin_interfaces.msg import Time

from segue_control.node.scene_messages import scene_from_msg, scene_to_msg
from segue_control.planning.scene import Scene, Shape
from segue_core.contracts.robot import RobotConfig
from segue_sim.surroundings import surroundings
from segue_sim.world import World

ARMS = ("left", "right")


def _scene(world: World) -> Scene:
    return surroundings(world.model, world.data, ARMS)


def test_table_box_and_objects_are_there_and_no_part_of_the_robot(world: World) -> None:
    world.reset(2)
    names = {obstacle.name for obstacle in _scene(world).obstacles}
    assert "table" in names
    assert all(any(name.startswith(thing) for name in names) for thing in world.task.objects)
    assert not any(name.startswith(ARMS) for name in names)


def test_every_obstacle_contains_the_shape_that_it_stands_for(world: World) -> None:
    """Corners of each shape's own bounding box are inside the obstacle, to a millimetre and its rounding."""
    world.reset(2)
    model, data = world.model, world.data
    by_name = {obstacle.name: obstacle for obstacle in _scene(world).obstacles}
    table = by_name["table"]
    geom = model.geom("table").id
    assert table.shape is Shape.BOX
    np.testing.assert_allclose(table.size, 2 * model.geom_size[geom], atol=1e-6)
    np.testing.assert_allclose(table.position, data.geom_xpos[geom], atol=1e-3)
    for obstacle in by_name.values():
        assert min(obstacle.size) > 0 and abs(np.linalg.norm(obstacle.quaternion) - 1.0) < 2e-3


def test_what_rests_is_the_same_scene_again(world: World) -> None:
    world.reset(2)
    world.advance(1.0)
    before = _scene(world)
    mujoco.mj_step(world.model, world.data)
    assert _scene(world) == before


def test_a_scene_survives_the_wire(world: World, robot: RobotConfig) -> None:
    world.reset(2)
    scene = _scene(world)
    message = scene_to_msg(scene, robot.base_frame, Time(sec=1))
    assert scene_from_msg(message) == scene
    assert {marker.header.frame_id for marker in message.markers} == {robot.base_frame}
    message.markers[1].type = message.markers[1].TEXT_VIEW_FACING
    assert len(scene_from_msg(message).obstacles) == len(scene.obstacles) - 1
