"""Two ways to go on are seen, one is never taken for two."""

from pathlib import Path

import numpy as np
import pytest

from segue_core.action_space import action_space
from segue_core.arrays import Floats
from segue_core.errors import DataError
from segue_eval.suite.modes import DRAWS, read_counts, two_moded

SPACE = action_space("dual_arm_ee")
ROWS, SPREAD_M = 60, 0.004


def drawn(rng: np.random.Generator, aside_m: Floats) -> Floats:
    """Chunks (K, H, D) whose left hand goes aside by so much each, along a smooth path, all with the same spread."""
    chunks = np.zeros((len(aside_m), ROWS, SPACE.dim))
    ramp = np.linspace(0, 1, ROWS)
    wobble = SPREAD_M * rng.normal(size=(len(aside_m), 1, 3))
    chunks[:, :, :3] = 0.3 + (wobble + aside_m[:, None, None] * np.array([0, 1, 0])) * ramp[:, None]
    return chunks


@pytest.mark.parametrize("few", [4, 8, 12])
def test_two_ways_round_are_two_modes_in_any_shares(few: int) -> None:
    aside = np.where(np.arange(DRAWS) < few, -0.06, 0.06)
    seen = [two_moded(SPACE, drawn(np.random.default_rng(seed), aside)) for seed in range(50)]
    assert np.mean(seen) > 0.95


def test_one_way_with_any_spread_is_one_mode() -> None:
    seen = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        seen.append(two_moded(SPACE, drawn(rng, 0.05 * rng.normal(size=DRAWS))))
    assert np.mean(seen) < 0.03


def test_ways_that_a_task_cannot_tell_apart_and_a_lone_outlier_are_one_mode() -> None:
    rng = np.random.default_rng(0)
    near = drawn(rng, np.where(np.arange(DRAWS) < 12, -0.008, 0.008))
    near[:, :, :3] = 0.3 + (near[:, :, :3] - 0.3).round(2)
    assert not two_moded(SPACE, near)
    assert not two_moded(SPACE, drawn(rng, np.where(np.arange(DRAWS) < 2, 0.2, 0.0)))
    assert not two_moded(SPACE, np.zeros((DRAWS, ROWS, SPACE.dim)))


def test_a_gripper_that_may_open_or_close_is_no_way_to_go() -> None:
    chunks = drawn(np.random.default_rng(0), np.zeros(DRAWS))
    chunks[: DRAWS // 2, :, 6] = 1.0
    assert not two_moded(SPACE, chunks)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"7": [1]}', '{"7": [1, 2]}', '{"x": [2, 1]}', '{"7": [2, -1]}']
)
def test_counts_that_nobody_counted_are_refused_by_their_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "modes.json").write_text(text)
    with pytest.raises(DataError, match=r"modes\.json") as refused:
        read_counts(tmp_path / "modes.json")
    assert "counted again" in refused.value.next_step
