"""`segue bench tokens`: every way to decode is timed in one run, and what has no tokens is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from segue_core.errors import ConfigError
from segue_eval.bench.cli import run_tokens
from segue_eval.bench.tokens import bench_tokens, table
from segue_eval.settings import BenchTokens


class Spelling:
    """An action takes a second per beam, twice that without kept keys, on a clock of its own."""

    actions, tokens = 10, 8

    def __init__(self) -> None:
        self.now = 0.0

    def decode(self, actions: int, beams: int, kept: bool) -> Iterator[int]:
        for number in range(actions):
            self.now += beams * (1 if kept else 2)
            yield number


def test_every_way_is_timed_to_its_first_action_and_to_its_last() -> None:
    streams = Spelling()
    found = bench_tokens(streams, (1, 4), (1, 2), rounds=2, clock=lambda: streams.now)
    assert [(one.actions, one.beams, one.kept) for one in found] == [
        (length, width, kept) for length in (1, 4) for width in (1, 2) for kept in (True, False)
    ]
    whole = next(one for one in found if (one.actions, one.beams, one.kept) == (4, 2, False))
    assert (whole.first_s, whole.whole_s, whole.tokens_per_s) == (4, 16, 2)
    assert table(found).count("\n") == 1 + len(found)


@pytest.mark.parametrize(
    ("said", "match"), [({"policy": "hold"}, "'hold' does not answer token by token.*action_stream")]
)
def test_what_cannot_be_timed_is_refused(said: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        run_tokens(BenchTokens.model_validate(said))


def test_streams_beyond_the_training_and_no_beams_are_refused() -> None:
    for said, match in (
        ({"horizons": (4, 65)}, "horizon.*got 65.*64"),
        ({"beams": (0,)}, r"beams; got \(0,\); expected each of 1 to 64"),
    ):
        with pytest.raises(ConfigError, match=match):
            run_tokens(BenchTokens.model_validate(said))
