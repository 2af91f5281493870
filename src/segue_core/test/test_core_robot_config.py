"""The robot contract keeps its promises to what was recorded and trained before."""

from pathlib import Path

import pytest

from segue_core.config_base import load_yaml
from segue_core.errors import ConfigError
from segue_core.planning_config import PlanningConfig
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


def test_how_moves_are_planned_does_not_change_the_fingerprint() -> None:
    robot = contract("dual_arm")
    planning = PlanningConfig(poses={"ready": (0.1,) * 14}, velocity_share=0.2)
    changed = robot.model_copy(update={"planning": planning})
    assert changed.fingerprint() == robot.fingerprint()
    assert changed.pose_rad("ready") == (0.1,) * 14 and len(changed.pose_rad("home")) == 14
    with pytest.raises(ConfigError, match="'redy'.*did you mean 'ready'.*allowed: home, ready"):
        changed.pose_rad("redy")
