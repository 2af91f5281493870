"""Laws of the comparison of live runs with lockstep: it measures what it says, and asks for what a run was."""

from pathlib import Path

import numpy as np
import pytest

from segue_core.errors import ConfigError
from segue_data.contracts import load_robot
from segue_eval.bench import live


def test_a_joint_at_its_acceleration_limit_is_one_and_the_others_count_as_they_are() -> None:
    robot = load_robot("franka")
    seconds = np.arange(400) / robot.control_rate_hz
    limits = np.array(robot.limits.acceleration_rad_s2)
    positions = 0.5 * limits * seconds[:, None] ** 2 * np.array([1.0] + [0.0] * (len(limits) - 1))
    acceleration, jerk, peak = live.motion(robot, positions)
    assert peak == pytest.approx(1.0, rel=1e-6)
    assert acceleration == pytest.approx(1.0 / np.sqrt(len(limits)), rel=1e-6)
    assert jerk == pytest.approx(0.0, abs=1e-5)


def test_lockstep_is_asked_for_what_the_run_was_started_with() -> None:
    given = {
        "robot": "dual_arm", "task": "pick_place", "policy": "flow", "checkpoint": "somewhere", "continuation": "rtc",
        "continuation_options": "{max_guidance_weight: 5.0}", "stride": 20, "delay": 6, "ramp": -1, "ramp_kind": "exp",
        "delay_mode": "adaptive", "time_limit_s": 7.0,
    }  # fmt: skip
    setup = live.setup_of(given)
    assert (setup.task, setup.policy, setup.checkpoint) == ("pick_place", "flow", "somewhere")
    assert setup.scheduler == {
        "continuation": "rtc", "continuation_options": {"max_guidance_weight": 5.0}, "stride": 20, "delay": 6,
        "ramp_kind": "exp", "delay_mode": "adaptive", "time_limit_s": 7.0,
    }  # fmt: skip
    assert live.setup_of(given | {"ramp": 12}).scheduler["ramp"] == 12


def test_what_is_no_run_folder_is_refused_with_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folders that `segue run` left"):
        live.live(tmp_path)
