"""Laws of the soak: growth is told from noise and from warming up, and what is watched is really looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segue_eval.bench.growth import Look, Watched, grown, growth_table, jitter_ms, look_at, picture, slope


def _watched(rss_mb: np.ndarray, files: np.ndarray | None = None) -> dict[str, Watched]:
    """A process that was looked at once a second."""
    counts = np.full(len(rss_mb), 20) if files is None else files
    looks = [
        Look(float(t), float(mb), 9, int(n)) for t, (mb, n) in enumerate(zip(rss_mb, counts, strict=True))
    ]
    return {"node": Watched(1, looks)}


def _noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.3, count)


@pytest.mark.parametrize("rate", [0.0, 30.0, 400.0])
def test_a_slope_is_found_within_three_standard_errors(rate: float) -> None:
    hours = np.arange(600) / 3600.0
    misses = 0
    for seed in range(50):
        found = slope(list(hours), list(100.0 + rate * hours + _noise(600, seed)))
        misses += abs(found.per_unit - rate) > 3.0 * found.error
    assert misses <= 3
    assert 0.0 < found.error < 1.0


def test_what_grows_is_named_and_what_only_warms_up_is_not() -> None:
    seconds = np.arange(600.0)
    leak = _watched(100.0 + 0.1 * seconds + _noise(600))
    warm = _watched(100.0 + 30.0 * np.minimum(seconds / 150.0, 1.0) + _noise(600))
    assert len(grown(leak, mb_per_hour=60.0, more=2.0)) == 1
    assert "360" in grown(leak, 60.0, 2.0)[0] and "node" in grown(leak, 60.0, 2.0)[0]
    assert grown(warm, 60.0, 2.0) == []
    assert grown(leak, mb_per_hour=1000.0, more=2.0) == []


def test_files_that_are_left_open_are_named() -> None:
    said = grown(_watched(np.full(600, 100.0), files=20 + np.arange(600) // 50), 60.0, 2.0)
    assert len(said) == 1 and "files" in said[0]


def test_few_looks_say_nothing_rather_than_something() -> None:
    assert grown(_watched(np.array([1.0, 500.0])), 60.0, 2.0) == []
    assert "-" in growth_table(_watched(np.array([1.0, 500.0])))


_GROWS = """
import sys, threading
print("small", flush=True)
sys.stdin.readline()
kept = [open(sys.argv[1], "w"), b"x" * 20_000_000]
threading.Thread(target=sys.stdin.readline).start()
print("grown", flush=True)
"""


def test_a_process_is_looked_at_as_it_is_and_one_that_is_gone_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _GROWS, str(tmp_path / "open")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        assert child.stdin and child.stdout
        looks = []
        for state in ("small", "grown"):
            assert child.stdout.readline().strip() == state
            looks.append(look_at(child.pid, 0.0))
            child.stdin.write("\n")
    before, after = looks
    assert before is not None and after is not None
    assert (after.threads, after.files) == (before.threads + 1, before.files + 1)
    assert 15.0 < after.rss_mb - before.rss_mb < 40.0
    assert look_at(child.pid, 0.0) is None


def test_jitter_is_how_far_intervals_are_from_their_median_and_ignores_ticks_that_were_left_out() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.35, 0.4, 5.0])
    np.testing.assert_allclose(jitter_ms(times, [1, 2, 3, 4, 5, 9]), [0.0, 0.0, 50.0, 50.0], atol=1e-9)
    assert jitter_ms([], []).size == 0


def test_the_picture_has_a_line_per_process_and_its_numbers() -> None:
    two = {**_watched(np.linspace(100, 200, 50)), "a <b>": _watched(np.full(50, 30.0))["node"]}
    page = picture("Soak", two, growth_table(two))
    assert page.count('class="trace') == 2
    assert "a &lt;b&gt;" in page and "<b>" not in page.split("<pre>")[1].split("</pre>")[0]
