"""Fixtures of the fault suite. `./segue test --faults` runs all of it, the daily tests what is not `thorough`."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .figures import Figures
from .live import Live
from .misled import Misled
from .rehearsed import Rehearsed
from .relayed import Relayed
from .standing import Standing
from .watched import Watched

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_SHARED = ("standing", "misled", "relayed", "rehearsed")
_FIGURES = pytest.StashKey[Figures]()
_STANDING = pytest.StashKey[Standing]()


def pytest_configure(config: pytest.Config) -> None:
    """A new file of figures for every session."""
    path = ROOT / "runs" / "faults" / "figures.jsonl"
    path.unlink(missing_ok=True)
    config.stash[_FIGURES] = Figures(path)
    config.stash[_STANDING] = Standing()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that share a standing graph run in a row, since each start and end of one takes ten seconds."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ours = sorted((items[place] for place in places), key=_graph_of)
    for place, item in zip(places, ours, strict=True):
        items[place] = item


def _graph_of(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    return next((place for place, graph in enumerate(_SHARED) if graph in names), len(_SHARED))


def pytest_unconfigure(config: pytest.Config) -> None:
    """No graph outlives the tests."""
    if standing := config.stash.get(_STANDING, None):
        standing.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table, for people and for docs/faults.md."""
    figures = config.stash.get(_FIGURES, None)
    if figures and (table := figures.table()):
        path = figures.path.with_suffix(".md")
        path.write_text(table + "\n", encoding="utf-8")
        terminalreporter.write_line(f"\n{table}\n\nfigures: {path}")


@pytest.fixture(autouse=True)
def participants_end() -> Iterator[None]:
    """A node that a test has left lives in a circle: its dozen threads would talk on until Python looks for circles."""
    yield
    gc.collect()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where a test leaves what it measured."""
    return pytestconfig.stash[_FIGURES]


@pytest.fixture
def standing(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Live]]:
    """One graph of a robot for one test after another, at rest and disarmed: `standing("jaco2")`."""
    kept = pytestconfig.stash[_STANDING]
    yield lambda robot: kept.of(robot, tmp_path_factory.mktemp("standing"), Live)
    kept.settle()


@pytest.fixture
def misled(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Misled]]:
    """As `standing`, with a policy that does as it is told: `misled("jaco2").misbehave(How.FAIL)`."""
    kept = pytestconfig.stash[_STANDING]

    def of(robot: str) -> Misled:
        graph = kept.of(robot, tmp_path_factory.mktemp("standing"), Misled)
        graph.as_usual()
        return graph

    yield of
    kept.settle()


@pytest.fixture
def relayed(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Relayed]]:
    """As `standing`, a graph whose sensors are in the test's hands; they are healed after the test."""
    kept, used = pytestconfig.stash[_STANDING], list[Relayed]()

    def of(robot: str) -> Relayed:
        used.append(kept.of(robot, tmp_path_factory.mktemp("relayed"), Relayed))
        return used[-1]

    yield of
    for live in used:
        live.heal()
    kept.settle()


@pytest.fixture
def rehearsed(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Rehearsed]]:
    """As `standing`, a graph whose robot is hardware to it, and does wrong as it is told."""
    kept = pytestconfig.stash[_STANDING]

    def of(robot: str) -> Rehearsed:
        graph = kept.of(robot, tmp_path_factory.mktemp("rehearsed"), Rehearsed)
        graph.heal()
        return graph

    yield of
    kept.settle()


@pytest.fixture(scope="module")
def no_standing(pytestconfig: pytest.Config) -> None:
    """For a module that starts a graph of its own: the shared one is ended, since two need twice the machine."""
    pytestconfig.stash[_STANDING].close()


@pytest.fixture
def live(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Callable[..., Live]]:
    """Starts standing graphs: `live("jaco2", policy="hold")`; all are stopped after the test."""
    pytestconfig.stash[_STANDING].close()
    with ExitStack() as stack:

        def start(robot: str = "franka", *, urgent: bool = False, **arguments: Any) -> Live:
            folder = tmp_path / f"graph-{len(list(tmp_path.glob('graph-*')))}"
            graph = Live(folder, robot, **arguments)
            return stack.enter_context(graph.urgent() if urgent else graph)

        yield start


@pytest.fixture
def watched(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Callable[..., Watched]]:
    """Starts `segue run`s: `watched("jaco2", "record:=false")`; all are ended after the test."""
    pytestconfig.stash[_STANDING].close()
    with ExitStack() as stack:

        def start(robot: str = "franka", *words: str) -> Watched:
            folder = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
            return stack.enter_context(Watched(folder, robot, *words))

        yield start
