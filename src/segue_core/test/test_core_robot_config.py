"""The robot contract keeps its promises to what was recorded and trained before."""

from pathlib import Path

import pytest

from segue_core.config_base import load_yaml
from segue_core.robot_config import RobotConfig

ROBOTS = Path(__file__).resolve().parents[3] / "config" / "robots"


def contract(name: str) -> RobotConfig:
    path = ROBOTS / f"{name}.yaml"
    return load_yaml(path.read_text(encoding="utf-8"), RobotConfig, path.name)


def test_new_fields_do_not_change_the_fingerprint_in_old_bags() -> None:
    """034f... is what every bag of `dual_arm` so far carries."""
    assert contract("dual_arm").fingerprint() == "034f8a4c2e9844f8"


@pytest.mark.parametrize(
    "change", [{"tick_rate_hz": 31.0}, {"base_frame": "base"}, {"description": "another robot"}]
)
def test_any_field_changes_the_fingerprint(change: dict[str, object]) -> None:
    robot = contract("dual_arm")
    assert robot.model_copy(update=change).fingerprint() != robot.fingerprint()
