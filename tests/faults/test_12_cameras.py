"""12: a camera that is unplugged, frozen, on another clock, or sends damaged frames. The arm stops.

The cases without processes are in segue_perception's tests. That the arm moves before each fault shows
that the one before left no harm. Damaged frames are painted in a colour that no camera saw.
"""

from array import array
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import pytest

from segue_core.errors import ErrorCode
from segue_ros import ticks

from .figures import Figures
from .hands import EACH_ROBOT
from .relay import Spoil, changed, silent
from .relayed import Relayed

pytestmark = [pytest.mark.system, pytest.mark.slow]

_PAINT = (255, 0, 255)
_FOUND_S = 1.0  # a frozen camera
_UNSEEN_S = 0.6  # half a second without an observation, and what it takes to say so


def _frozen() -> Spoil:
    """The first picture again and again, with fresh stamps."""
    kept: list[Any] = []

    def spoil(message: Any) -> Iterable[Any]:
        kept.extend([message] if not kept else [])
        return changed(data=kept[0].data)(message)

    return spoil


def _shifted(by_s: float) -> Spoil:
    """The camera's clock is ahead by so much."""

    def header(message: Any) -> Any:
        shifted = deepcopy(message.header)
        shifted.stamp = ticks.stamp(ticks.nanoseconds(message.header.stamp) + round(by_s * 1e9))
        return shifted

    return changed(header=header)


def _painted(width: int, height: int) -> "array[int]":
    return array("B", bytes(_PAINT) * (width * height))


def _whole(message: Any) -> "array[int]":
    return _painted(message.width, message.height)


_FAULTS: dict[str, tuple[Callable[[], Spoil], ErrorCode]] = {
    "unplugged": (lambda: silent, ErrorCode.FRAME_STALE),
    "frozen": (_frozen, ErrorCode.FRAME_FROZEN),
    "0.3 s behind": (lambda: _shifted(-0.3), ErrorCode.FRAME_SKEWED),
    "0.3 s ahead": (lambda: _shifted(0.3), ErrorCode.FRAME_SKEWED),
    "100 s behind": (lambda: _shifted(-100.0), ErrorCode.FRAME_SKEWED),
    "100 s ahead": (lambda: _shifted(100.0), ErrorCode.FRAME_SKEWED),
    "another size": (
        lambda: changed(width=128, height=96, step=384, data=_painted(128, 96)),
        ErrorCode.FRAME_CORRUPT,
    ),
    "another encoding": (lambda: changed(encoding="32FC1", data=_whole), ErrorCode.FRAME_ENCODING),
    "short": (lambda: changed(data=_painted(20, 20)), ErrorCode.FRAME_CORRUPT),
    "empty": (lambda: changed(width=0, height=0, step=0, data=array("B")), ErrorCode.FRAME_CORRUPT),
}
_DAILY = ("unplugged", "frozen", "short")


_CASES = [pytest.param(name, marks=[] if name in _DAILY else [pytest.mark.thorough]) for name in _FAULTS]


@pytest.mark.parametrize("fault", _CASES)
@EACH_ROBOT
def test_a_camera_that_fails_stops_the_arm_and_is_named(
    robot: str, fault: str, relayed: Callable[[str], Relayed], figures: Figures
) -> None:
    graph, (spoil, code) = relayed(robot), _FAULTS[fault]
    graph.move()
    since_s = graph.spoil(graph.pictures, spoil())
    result = graph.result()
    found_s = graph.found_after(since_s)
    longest_s = _FOUND_S if fault == "frozen" else 0.0
    stop = graph.stopped(since_s, longest_s + _UNSEEN_S)
    note = f"found after {1e3 * found_s:.0f} ms"
    figures.add(12, f"camera {fault}", robot, **stop, code=result.error_code, note=note)
    came, sent = graph.pictures.came, graph.pictures.sent
    assert came >= graph.witness.config.tick_rate_hz / 2 and sent == (0 if fault == "unplugged" else came)
    assert result.error_code == code and f"camera '{graph.camera}'" in result.reason, result
    assert found_s <= _FOUND_S
    assert len(graph.seen()) > 0 and " ".join(map(str, _PAINT)) not in graph.seen()


_BEFORE = [pytest.param(name, marks=pytest.mark.thorough) for name in _FAULTS if name != "frozen"]


@pytest.mark.parametrize("fault", _BEFORE)
@EACH_ROBOT
def test_with_a_camera_that_fails_nothing_begins_to_move(
    robot: str, fault: str, relayed: Callable[[str], Relayed], figures: Figures
) -> None:
    graph, (spoil, code) = relayed(robot), _FAULTS[fault]
    since_s = graph.spoil(graph.pictures, spoil())
    graph.send()
    result = graph.result()
    figures.add(12, f"camera {fault} before the run", robot, code=result.error_code)
    assert result.rule == "refused" and result.error_code == code, f"{result}\n{graph.logs()}"
    assert f"camera '{graph.camera}'" in result.reason
    graph.nothing_moves(since_s)
    assert " ".join(map(str, _PAINT)) not in graph.seen()
    graph.heal()
    graph.works_again()


@pytest.mark.thorough
@EACH_ROBOT
def test_a_camera_that_was_frozen_before_the_run_is_found_when_the_arm_has_moved(
    robot: str, relayed: Callable[[str], Relayed], figures: Figures
) -> None:
    """Pictures of an arm at rest are all the same: only motion tells."""
    graph = relayed(robot)
    graph.spoil(graph.pictures, _frozen())
    graph.move()
    since_s = graph.witness.sim_s
    result = graph.result()
    found_s = graph.found_after(since_s)
    stop = graph.stopped(since_s, _FOUND_S + _UNSEEN_S)
    note = f"found {1e3 * found_s:.0f} ms after it moved"
    figures.add(12, "camera frozen before the run", robot, **stop, code=result.error_code, note=note)
    assert result.error_code == ErrorCode.FRAME_FROZEN and f"camera '{graph.camera}'" in result.reason
    assert found_s <= _FOUND_S
    graph.heal()
    graph.works_again()
