"""`segue bench world_model`: not waiting is worth the time it should be, and what has no memory is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue_core.action_space import DUAL_ARM_EE
from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_eval.bench.world_model import PARTS, bench_world_model, table, ticks_for


class Recaller:
    """Computes in proportion to what it was told since the last answer: a second each, on a clock of its own."""

    def __init__(self, observe_every: int = 4, spent: list[int] | None = None) -> None:
        self.spent = [] if spent is None else spent
        self.info = PolicyInfo(
            "recaller", DUAL_ARM_EE, 16, 1, 30.0, ("head",), (16, 16), frozenset({"world_model"}), 8, 0,
            observe_every=observe_every,
        )  # fmt: skip
        self.reset()

    def reset(self) -> None:
        self.told = 0

    def observe(self, observation: Observation, executed: np.ndarray) -> None:
        self.told += 1

    def fork(self) -> Recaller:
        return Recaller(spent=self.spent)

    def predict(self, request: PredictRequest) -> PredictResult:
        self.spent.append(self.told)
        self.told = 0
        rows = np.zeros((16, 14), np.float32)
        return PredictResult(ActionChunk(rows, request.start_tick, "recaller", request.sequence))


def test_not_waiting_halves_the_time_where_an_answer_takes_as_long_as_its_chunk() -> None:
    info = Recaller().info
    waiting, running = (ticks_for(info, way, 400) for way in ("synchronous", "world_model_async"))
    assert running / waiting == pytest.approx(0.5, abs=0.02)


def test_a_bounded_memory_costs_the_same_late_as_early_and_being_told_again_does_not() -> None:
    policy = Recaller()
    found = bench_world_model(policy, 14, 8, clock=lambda: float(sum(policy.spent)))
    assert found.anew[14] > 1.8 * found.anew[5] and found.kept[14] == found.kept[5] > 0
    assert all(name in table(found) for name in (*PARTS, "world_model_naive"))


def test_a_policy_without_memory_is_refused() -> None:
    other: Any = Recaller(observe_every=0)
    with pytest.raises(ConfigError, match="no world model with a memory"):
        bench_world_model(other, 10, 8)
