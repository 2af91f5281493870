"""25: the recorder is killed at any moment of a run. Closed episodes are untouched, the open one is repaired, once.

Cuts at every byte, and what a recorder finds at its next start, are in segue_data's tests.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segue_data.bags.manifest import RECORDING, load
from segue_data.bags.reader import read
from segue_data.bags.repair import repair
from segue_data.bags.repair_all import repair_open_episodes

from .figures import Figures
from .hands import MOVING_RAD_S
from .live import Live

pytestmark = [pytest.mark.system, pytest.mark.slow]

_SEED = 7


def _bytes(bag: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(bag.iterdir())}


def _closed(root: Path) -> dict[str, dict[str, bytes]]:
    return {bag.name: _bytes(bag) for bag in sorted(root.iterdir()) if bag.name != RECORDING}


def _saved(root: Path) -> int:
    """Repair what a killed recorder left, twice: messages of the open episode; none where no chunk was on the disk."""
    before = _closed(root)
    reports, failures = repair_open_episodes(root)
    after = _closed(root)
    assert failures == [] and not (root / RECORDING).exists()
    assert {name: after[name] for name in before} == before, "closed episodes were touched"
    for report in reports:
        facts, whole = load(report.bag), _bytes(report.bag)
        assert facts.complete is False and len(list(read(report.bag))) == report.messages
        assert not repair(report.bag).changed and _bytes(report.bag) == whole
    assert repair_open_episodes(root) == ([], [])
    return sum(report.messages for report in reports)


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.thorough)])
def test_a_recorder_that_is_killed_at_any_moment_loses_no_closed_episode_and_stops_no_arm(
    kills: int, live: Callable[..., Live], figures: Figures
) -> None:
    moments = np.random.default_rng(_SEED).uniform(0.0, 4.0, kills)
    graph = live("franka", record=True)
    root = Path(graph.plan_of("recorder").parameters["root"])
    graph.wait_for("recorder")
    kept = 0
    for moment in moments:
        graph.move(record=True)  # an episode that is closed
        closed = graph.end()
        assert load(Path(closed.bag_path)).complete
        graph.move(record=True)
        graph.pass_s(float(moment))
        graph.kill("recorder")
        graph.in_motion(0.5)
        assert graph.witness.speed > MOVING_RAD_S, "the arm goes on"
        result = graph.end()
        assert "recording not whole" in result.reason and result.starved_ticks == 0
        assert graph.witness.bad_commands() == []
        saved = _saved(root)
        figures.add(
            25, f"recorder killed after {1.0 + moment:.2f} s", "franka", note=f"{saved} messages saved"
        )
        kept += 1 + (saved > 0)
        assert len(_closed(root)) == kept
        graph.start_again("recorder")
    assert kept > kills, "no open episode was saved"
