"""Laws of preprocessing and of the state that policies see."""

import numpy as np
import pytest
from sensor_msgs.msg import Image

from segue_control.robot.kinematics import Kinematics
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import PerceptionError
from segue_perception.colours import COLOURS, to_rgb
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


_RED_SCENE = {  # encoding: the bytes of a 4x4 picture that is red all over
    "rgb8": [200, 0, 0] * 16,
    "bgr8": [0, 0, 200] * 16,
    "8UC3": [0, 0, 200] * 16,
    "rgba8": [200, 0, 0, 255] * 16,
    "bgra8": [0, 0, 200, 255] * 16,
    "bayer_rggb8": ([200, 0] * 2 + [0, 0] * 2) * 2,
    "bayer_bggr8": ([0, 0] * 2 + [0, 200] * 2) * 2,
    "bayer_gbrg8": ([0, 0] * 2 + [200, 0] * 2) * 2,
    "bayer_grbg8": ([0, 200] * 2 + [0, 0] * 2) * 2,
    "uyvy": [94, 67, 218, 67] * 8,
    "yuv422": [94, 67, 218, 67] * 8,
    "yuyv": [67, 94, 67, 218] * 8,
    "yuv422_yuy2": [67, 94, 67, 218] * 8,
    "mono8": [60] * 16,
    "8UC1": [60] * 16,
}


@pytest.mark.parametrize("encoding", COLOURS)
def test_what_is_red_is_red_in_every_encoding(encoding: str) -> None:
    data = _RED_SCENE[encoding]
    message = Image(height=4, width=4, encoding=encoding, step=len(data) // 4, data=data)
    expected = [60, 60, 60] if encoding in ("mono8", "8UC1") else [200, 0, 0]
    got = to_rgb(message)
    assert got.shape == (4, 4, 3)
    np.testing.assert_allclose(got[2, 2], expected, atol=45 if encoding.startswith(("u", "y")) else 0)


def test_depth_is_no_colour_picture_and_the_error_lists_what_is() -> None:
    with pytest.raises(PerceptionError, match=r"16UC1.*bgra8.*yuyv"):
        to_rgb(Image(height=1, width=1, encoding="16UC1", step=2, data=[1, 2]))
