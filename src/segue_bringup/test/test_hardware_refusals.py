"""A run without a simulator is refused before anything starts when nobody has described the robot or its cameras."""

from pathlib import Path

import pytest

from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.command import refuse_undescribed_hardware
from segue_core.errors import ConfigError


def _refuse(**arguments: str) -> None:
    refuse_undescribed_hardware(make_plan(load_graph(), {"sim": "none", "policy": "hold", **arguments}))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hardware": "rehearsl"}, "did you mean 'rehearsal'"),
        ({"camera_set": "rehearsl"}, "did you mean 'rehearsal'"),
        ({}, "nothing says where the pictures of robot 'dual_arm' come from.*docs/hardware.md"),
        ({"hardware": "/nowhere/mine.yaml"}, "/nowhere/mine.yaml"),
    ],
)
def test_what_nobody_has_described_is_refused_with_what_there_is(
    arguments: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        _refuse(**arguments)


def test_a_camera_set_of_another_robot_is_refused_with_both(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("cameras: {head: {driver: topic}}")
    with pytest.raises(ConfigError, match="got head; expected head, left_wrist, right_wrist"):
        _refuse(camera_set=str(mine))


def test_the_rehearsal_robot_is_described() -> None:
    _refuse(hardware="rehearsal", camera_set="rehearsal")
