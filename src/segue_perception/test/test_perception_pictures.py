"""Laws of preprocessing and of the state that policies see."""

import numpy as np
import pytest
from sensor_msgs.msg import Image

from segue_control.kinematics import Kinematics
from segue_core.errors import PerceptionError
from segue_core.robot_config import RobotConfig
from segue_perception.image_conversion import rgb_converter
from segue_perception.preprocess import resize
from segue_perception.state import ProprioceptiveState


def test_a_picture_of_the_right_size_is_not_copied() -> None:
    image = np.zeros((72, 96, 3), np.uint8)
    assert resize(image, (96, 72)) is image


def test_shrinking_by_a_whole_number_averages_the_area() -> None:
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    means = image.reshape(2, 2, 3, 2, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(image, (3, 2)), means, atol=0.51)


def test_size_is_width_by_height() -> None:
    assert resize(np.zeros((192, 256, 3), np.uint8), (96, 72)).shape == (72, 96, 3)


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 5), (5, 5, 4)])
def test_what_is_no_colour_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PerceptionError, match=r"uint8 \(h, w, 3\)"):
        resize(np.zeros(shape, np.uint8), (96, 72))


def test_the_state_is_the_action_that_would_keep_the_robot_where_it_is(robot: RobotConfig) -> None:
    kinematics = Kinematics(robot)
    state = ProprioceptiveState(robot)(kinematics.home, np.array([0.25, 1.0]))
    assert state[robot.action_space.slice("left_gripper")] == 0.25
    np.testing.assert_allclose(kinematics.solve(state, kinematics.home), kinematics.home, atol=1e-6)


def test_a_picture_is_converted_the_same_on_every_machine() -> None:
    message = Image(height=1, width=1, encoding="bgr8", step=3, data=[1, 2, 3])
    np.testing.assert_array_equal(rgb_converter()(message), [[[3, 2, 1]]])
