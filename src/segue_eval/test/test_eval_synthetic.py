"""The plane: what its parts promise, and the law that it exists to show."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_eval.cli import main
from segue_eval.synthetic.benchmark import POLICY_OF, Row, run_continuation, table
from segue_eval.synthetic.training import FLOW, train_policy
from segue_eval.synthetic.world import (
    HEIGHT,
    OBSTACLE,
    OFF_PATH,
    RADIUS,
    SPEED,
    PointPlant,
    demonstrations,
    height,
    side_of,
)
from segue_policies.methods.flow.policy import FlowPolicy
from segue_scheduler import continuation

STEPS, EPISODES = 300, 12


@pytest.fixture(scope="module")
def policies() -> dict[str, FlowPolicy]:
    torch.set_num_threads(1)
    return {name: train_policy(name, STEPS) for name in ("flow", "legato")}


@pytest.fixture(scope="module")
def rows(policies: dict[str, FlowPolicy]) -> dict[str, Row]:
    names = ("naive_async", "rtc", "legato")
    return {name: run_continuation(name, policies[POLICY_OF[name]], range(EPISODES)) for name in names}


def test_every_continuation_has_its_policy_but_those_of_world_models() -> None:
    names = {name: continuation.create(name, {}) for name in continuation.available()}
    assert {name for name, each in names.items() if "world_model" not in each.requires} == set(POLICY_OF)


def test_demonstrations_pass_on_both_sides_and_clear_the_obstacle() -> None:
    samples = demonstrations(600, 40, 0)
    sides = np.array([side_of(actions) for actions in samples.actions])
    assert abs(sides[sides != 0].mean()) < 0.2
    x = np.linspace(0, 1, 400)
    clear = np.linalg.norm(np.stack([x, height(x)], axis=-1) - OBSTACLE, axis=-1)
    assert clear.min() > RADIUS + OFF_PATH / 2
    assert height(x).max() == pytest.approx(HEIGHT)


def test_before_the_fork_nothing_says_on_which_side_a_demonstration_passes() -> None:
    samples = demonstrations(4000, 40, 0)
    early = samples.state[:, 0] < 0.3
    side = np.array([side_of(actions) for actions in samples.actions[early]])
    correlation = np.corrcoef(samples.state[early, 1], side)[0, 1]
    assert abs(correlation) < 0.1


def test_an_untouched_path_reaches_the_goal_and_a_straight_one_does_not() -> None:
    for wanted, lift in ((True, 1.0), (False, 0.0)):
        plant, x = PointPlant(), -0.2
        for tick in range(100):
            x = min(x + SPEED, 1.0)
            plant.execute(np.array([x, lift * height(np.array(x))]), tick)
        assert plant.task_state().success is wanted


def test_training_and_rollout_repeat_themselves(policies: dict[str, FlowPolicy]) -> None:
    again = train_policy("flow", 5), train_policy("flow", 5)
    zeros = np.zeros((FLOW.horizon, 2), np.float32)
    seen = Observation(0, np.zeros(2, np.float32), {})
    request = PredictRequest(0, 0, "plain", zeros[:, 0], zeros, 0, 0, observations=(seen,))
    first, second = (policy.predict(request).chunk.actions for policy in again)
    np.testing.assert_array_equal(first, second)
    one, two = (run_continuation("legato", policies["legato"], range(2)) for _ in range(2))
    assert one == two


def test_naive_switching_changes_its_mind_and_native_continuation_does_not(rows: dict[str, Row]) -> None:
    """The law of the paper's title: spurious mode switches come from continuing nothing."""
    naive, legato = rows["naive_async"], rows["legato"]
    assert naive.switches.mean > 1.0
    assert legato.switches.mean < 0.4
    assert legato.overlap_rmse.mean < 0.5 * naive.overlap_rmse.mean
    assert legato.seam_jump.mean < 0.5 * naive.seam_jump.mean


def test_gradient_guidance_lies_in_between(rows: dict[str, Row]) -> None:
    assert (
        rows["legato"].overlap_rmse.mean
        < rows["rtc"].overlap_rmse.mean
        < rows["naive_async"].overlap_rmse.mean
    )


def test_the_table_has_a_line_per_continuation(rows: dict[str, Row]) -> None:
    lines = table(rows.values()).splitlines()
    assert [line.split()[0] for line in lines] == ["continuation", *rows]


def test_the_continuation_benchmark_writes_ratios_to_plain_of_the_same_size(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    arguments = ["bench", "continuation", "--rounds", "1", "--ticks", "120", "--json", str(path)]
    assert main(arguments) == 0
    data = json.loads(path.read_text())
    assert {name.split("/")[0] for name in data["ratios"]} == {"small", "shipped", "large"}
    assert {name.split("/")[1] for name in data["ratios"]} == {"plain", "legato", "rtc", "bidirectional"}
    assert all(data["ratios"][name] == 1 for name in data["ratios"] if name.endswith("/plain"))
    assert data["tick_us"]["ticks"] == 120
