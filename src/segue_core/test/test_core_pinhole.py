"""Laws of where a camera sees a point."""

import numpy as np
import pytest

from segue_core.contracts.pinhole import pixels
from segue_core.contracts.robot import CameraConfig

CAMERA = CameraConfig(
    mount="world", position=(1.0, 0.0, 1.0), look_at=(0.0, 0.0, 1.0), fovy_deg=90.0, width=64, height=48
)


def test_the_point_that_is_looked_at_is_in_the_middle_and_the_edge_is_half_the_view_away() -> None:
    seen = pixels(CAMERA, (64, 48), [[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    np.testing.assert_allclose(seen, [[31.5, 23.5], [31.5, -0.5], [55.5, 23.5]])  # up, and to its right


def test_a_point_is_where_the_simulator_draws_it() -> None:
    mujoco = pytest.importorskip("mujoco")
    spec = mujoco.MjSpec()
    made = spec.worldbody.add_camera(name="camera", pos=(0.9, 0.5, 0.7), fovy=40.0)
    made.alt.type = mujoco.mjtOrientation.mjORIENTATION_XYAXES
    camera = CAMERA.model_copy(
        update={"position": (0.9, 0.5, 0.7), "look_at": (0.3, 0.1, 0.1), "fovy_deg": 40.0}
    )
    away = np.subtract(camera.position, camera.look_at)
    right = np.cross((0, 0, 1), away)
    made.alt.xyaxes = (*right, *np.cross(away, right))
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    point = np.array([0.4, 0.0, 0.2])
    local = data.cam_xmat[0].reshape(3, 3).T @ (point - data.cam_xpos[0])  # x right, y up, looking along -z
    focal = 24 / np.tan(np.radians(20.0))
    expected = [31.5 + focal * local[0] / -local[2], 23.5 - focal * local[1] / -local[2]]
    np.testing.assert_allclose(pixels(camera, (64, 48), [point])[0], expected, atol=1e-9)


def test_what_is_behind_a_camera_is_nowhere() -> None:
    assert np.isnan(pixels(CAMERA, (64, 48), [[2.0, 0.0, 1.0]])).all()
