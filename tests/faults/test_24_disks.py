"""24: a disk that fills up, turns read-only or stands still while an episode is recorded on it.

The recording ends with one event, or waits; the motion notices nothing, and what was recorded opens. Not here: the
bytes at which a writer fails (test_recording.py), what `segue run` prints on a full disk (row 29), a recorder that is
killed (row 25).
"""

import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from segue_core.errors import ErrorCode
from segue_core.exit_status import ExitStatus
from segue_data.bags.manifest import RECORDING, load
from segue_data.bags.reader import count_messages
from segue_data.bags.repair_all import repair_open_episodes

from .disk import Disk, why_not
from .figures import Figures
from .live import Live
from .watched import Watched
from .witness import REST_RAD_S

NO_DISK = why_not()
pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.skipif(bool(NO_DISK), reason=NO_DISK or "one can be made"),
]

_BRIM_MB = 0.1  # less than what is written in a second, so that a write fails before the recorder looks
_NEARLY_MB = 200.0  # less than half of what the recorder wants to begin
_PACE = 0.5  # simulated seconds per second
_BUFFERED_S = 3.6  # what 64 MB of the recorder hold of four cameras


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk to record on; ask for it before the graph, which must end first."""
    with Disk(tmp_path) as one:
        yield one


def _recorded(live: Callable[..., Live], disk: Disk, **arguments: float) -> Live:
    graph = live("franka", record=True, runs=str(disk.path / "bags"), **arguments)
    graph.wait_for("recorder")
    return graph


def _events(graph: Live) -> list[str]:
    """What the recorder has complained about since its start, but for what is said of a closed episode."""
    return [line for line in graph.log("recorder").splitlines() if "[ERROR]" in line]


def _undisturbed(graph: Live, since_s: float) -> float:
    """The arm goes on, and no control cycle was missed: the longest gap between two commands [s]."""
    graph.in_motion(2.0)
    witness = graph.witness
    stamps = [heard.sim_s for heard in witness.commands if heard.sim_s >= since_s]
    gap_s = max(after - before for before, after in pairwise(stamps))
    assert gap_s <= 2.0 / witness.config.control_rate_hz + 1e-6
    assert witness.bad_commands() == []
    return gap_s


def _ended(graph: Live) -> Any:
    """The result of a run that a person has cancelled, and that nothing else has ended."""
    result = graph.end()
    assert (result.outcome, result.error_code, result.starved_ticks) == ("cancelled", 0, 0), result
    return result


def _bag(reason: str) -> Path:
    """The folder that a text names."""
    found = re.search(r"/\S+/bags/[\w-]+", reason)
    assert found, reason
    return Path(found[0])


def _is_recorded_whole(graph: Live) -> None:
    graph.move(record=True)
    facts = load(Path(_ended(graph).bag_path))
    assert facts.complete and not facts.dropped


FULL = {"full": _BRIM_MB, "nearly full": _NEARLY_MB}


@pytest.mark.parametrize("how", ["full", pytest.param("nearly full", marks=pytest.mark.thorough)])
def test_a_disk_that_fills_up_ends_the_recording_with_one_event_and_the_motion_goes_on(
    how: str, disk: Disk, live: Callable[..., Live], figures: Figures
) -> None:
    graph = _recorded(live, disk)
    graph.move(record=True)
    graph.pass_s(1.0)  # what there is to be kept
    since_s = graph.witness.sim_s
    disk.fill(FULL[how])
    graph.until(lambda: bool(_events(graph)), "the recorder tells of the disk")
    gap_s = _undisturbed(graph, since_s)
    assert len(_events(graph)) == 1
    reason = _ended(graph).reason
    assert f"recording not whole: [{int(ErrorCode.DATA_DISK)} DATA_DISK]" in reason
    facts, counts = load(_bag(reason)), count_messages(_bag(reason))
    assert not facts.complete and counts["/joint_command"] > 30
    assert not (disk.path / "bags" / RECORDING).exists()

    graph.move(record=True)
    assert "not recorded: [403 DATA_DISK]" in (refused := _ended(graph).reason) and "MB" in refused
    disk.make_room()
    _is_recorded_whole(graph)
    figures.add(
        24, f"disk {how}", "franka", code=int(ErrorCode.DATA_DISK),
        note=f"{sum(counts.values())} messages kept, longest gap of commands {1e3 * gap_s:.1f} ms",
    )  # fmt: skip


@pytest.mark.thorough
def test_a_disk_that_turns_read_only_ends_the_recording_and_gives_it_back_when_it_is_mended(
    disk: Disk, live: Callable[..., Live], figures: Figures
) -> None:
    graph = _recorded(live, disk)
    graph.move(record=True)
    closed = Path(_ended(graph).bag_path)
    before = {path.name: path.read_bytes() for path in closed.iterdir()}
    graph.move(record=True)
    graph.pass_s(2.0)
    os.sync()  # what has not reached the disk is lost with it
    since_s = graph.witness.sim_s
    disk.turn_read_only()
    graph.until(lambda: bool(_events(graph)), "the recorder tells of the disk")
    gap_s = _undisturbed(graph, since_s)
    assert len(_events(graph)) == 1
    assert f"recording not whole: [{int(ErrorCode.DATA_DISK)} DATA_DISK]" in _ended(graph).reason
    graph.move(record=True)
    assert f"not recorded: [{int(ErrorCode.DATA_DISK)} DATA_DISK]" in _ended(graph).reason
    graph.__exit__()

    disk.mend()
    reports, failures = repair_open_episodes(disk.path / "bags")
    assert failures == [] and {path.name: path.read_bytes() for path in closed.iterdir()} == before
    kept = [count_messages(report.bag) for report in reports if load(report.bag).complete is False]
    assert len(kept) == 1 and kept[0]["/joint_command"] > 30
    figures.add(
        24, "disk read-only", "franka", code=int(ErrorCode.DATA_DISK),
        note=f"{sum(kept[0].values())} messages kept, longest gap of commands {1e3 * gap_s:.1f} ms",
    )  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize(("stalls", "seconds"), [(1, 3.0), (20, 0.25), (1, 12.0)])
def test_a_disk_that_stands_still_costs_no_control_cycle_and_no_message_while_they_fit_into_the_memory(
    stalls: int, seconds: float, disk: Disk, live: Callable[..., Live], figures: Figures
) -> None:
    """Seconds of the run's clock, at half the pace: the machine may be busy, too."""
    graph = _recorded(live, disk, real_time_factor=_PACE)
    graph.move(record=True)
    since_s = graph.witness.sim_s
    for _ in range(stalls):
        with disk.standing_still():
            graph.pass_s(seconds)
    gap_s = _undisturbed(graph, since_s)
    facts = load(Path(_ended(graph).bag_path))
    lost = sum(facts.dropped.values())
    figures.add(
        24, f"disk stands still, {stalls} times {seconds:g} s", "franka",
        note=f"{lost} messages lost, longest gap of commands {1e3 * gap_s:.1f} ms",
    )  # fmt: skip
    assert facts.complete and _events(graph) == []
    assert bool(facts.problems) == bool(lost) == (seconds > _BUFFERED_S)


@pytest.mark.thorough
def test_a_run_whose_disk_fills_up_ends_its_motion_as_ever_and_its_status_names_the_disk(
    disk: Disk, no_standing: None, figures: Figures
) -> None:
    """Result, log and recording are all on that disk."""
    with Watched(disk.path, "franka", "time_limit_s:=6") as run:
        run.moving()
        disk.fill(_BRIM_MB)
        status, witness = run.run.wait(), run.witness
    assert status == ExitStatus.ENVIRONMENT, run.logs()
    assert not witness.armed and witness.speed < REST_RAD_S and witness.bad_commands() == []
    assert "DATA_DISK" in run.logs() and "Traceback" not in run.logs()
    (bag,) = {path.parent for path in disk.path.rglob("*.mcap")}
    assert not load(bag).complete and count_messages(bag)["/joint_command"] > 10
    figures.add(24, "disk full, whole run on it", "franka", code=int(status), note="at rest, bag opens")
