"""A pytest plugin: three sessions that share the tests, and end with one summary.

pytest --alongside --tell-later=A ...               what starts no graph; its reports go to A, and it prints a summary
                                                    only when it was cut short, and leaves no A
pytest --graphs --tell-too=A --tell-later=B ...     what is marked `system`: those that use one standing graph, or are
                                                    in one file, in one process; B has the reports of both
pytest --alone --tell-too=B ...                     what is also marked `real_time`, and what failed beside others: a
                                                    busy machine is slow, which a law may not allow for; its summary
                                                    is of all
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Reports = dict[str, list[dict[str, Any]]]
_WARNINGS = "warnings"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("one summary of sessions")
    group.addoption("--alongside", action="store_true", help="leave out what is marked `system`")
    group.addoption(
        "--graphs", action="store_true", help="run only what is marked `system` and not `real_time`"
    )
    group.addoption(
        "--alone", action="store_true", help="run only what is marked both `system` and `real_time`"
    )
    group.addoption(
        "--tell-later", metavar="FILE", type=Path, help="keep the summary for the session that follows"
    )
    group.addoption("--tell-too", metavar="FILE", type=Path, help="what the session before has kept")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # of xdist: it prints nothing
        return
    before = config.getoption("--tell-too")
    if file := config.getoption("--tell-later"):
        config.option.no_summary = True
        config.pluginmanager.register(_Later(file, before))
    if before:
        config.pluginmanager.register(_Too(before))
    if config.getoption("--graphs"):
        config.pluginmanager.register(_Named())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    session = next((option for option in _SESSIONS if config.getoption(option)), None)
    if session:
        again = _again(config)
        items[:] = [item for item in items if _SESSIONS[session](item) or item.nodeid in again]
    for item in items if session == "--graphs" else ():
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


def _is_graph(item: pytest.Item) -> bool:
    return item.get_closest_marker("system") is not None


def _waits_for_nobody(item: pytest.Item) -> bool:
    return item.get_closest_marker("real_time") is not None


_SESSIONS: Mapping[str, Callable[[pytest.Item], bool]] = {
    "--alongside": lambda item: not _is_graph(item),
    "--graphs": lambda item: _is_graph(item) and not _waits_for_nobody(item),
    "--alone": lambda item: _is_graph(item) and _waits_for_nobody(item),
}


def _again(config: pytest.Config) -> Sequence[str]:
    """Names of tests that failed beside others in the session before."""
    before = config.getoption("--tell-too")
    return json.loads(before.read_text(encoding="utf-8"))["again"] if before else ()


class _Named:
    """Takes from the names of tests the group that xdist has added: `test_it[a]@group`."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name, mark, group = report.nodeid.rpartition("@")
        if mark and "]" not in group:
            report.nodeid = name


def _reporter(config: pytest.Config) -> Any:
    return config.pluginmanager.get_plugin("terminalreporter")


class _Later:
    def __init__(self, file: Path, before: Path | None) -> None:
        self._file, self._before = file, before

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Ctrl-C, a file that cannot be collected, or the first failure of `-x`."""
        self._file = Path()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._file == Path() or session.shouldfail or session.shouldstop:
            session.config.option.no_summary = False
        else:
            reporter, stats = _reporter(session.config), _kept(session.config)
            kept = {"started": reporter._sessionstarttime, "stats": stats, "again": []}
            if session.config.getoption("--graphs"):
                failed = [*stats.pop("failed", ()), *stats.pop("error", ())]
                kept["again"] = again = sorted({report["nodeid"] for report in failed})
                reporter.write_line(
                    "".join(f"\nfailed beside others, once more alone: {name}" for name in again)
                )
            if self._before:
                kept = _both(json.loads(self._before.read_text(encoding="utf-8")), kept)
            self._file.write_text(json.dumps(kept, default=str), encoding="utf-8")


def _both(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """What two sessions have kept, as one."""
    told, more = earlier["stats"], later["stats"]
    stats = {
        outcome: [*_not_in(more.get(outcome, ()), told.get(outcome, ())), *more.get(outcome, ())]
        for outcome in {**told, **more}
    }
    return {"started": earlier["started"], "stats": stats, "again": later["again"]}


def _not_in(
    later: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What an earlier session has told, without the modules that the later one has collected too."""
    collected = {entry["nodeid"] for entry in later if entry.get("$report_type") == "CollectReport"}
    return [entry for entry in earlier if entry.get("nodeid") not in collected]


def _kept(config: pytest.Config) -> Reports:
    """Reports of tests as pytest writes them, warnings as their values, and of what else is counted the number."""
    kept: Reports = defaultdict(list)
    for outcome, entries in _reporter(config).stats.items():
        for entry in entries:
            if isinstance(entry, pytest.TestReport | pytest.CollectReport):
                entry.__dict__.pop("node", None)  # of xdist: the worker
                data = config.hook.pytest_report_to_serializable(config=config, report=entry)
            else:
                data = _warning(entry, config) if outcome == _WARNINGS else {}
            kept[outcome].append(data)
    return kept


def _warning(entry: Any, config: pytest.Config) -> dict[str, str]:
    return {"message": entry.message, "location": entry.get_location(config)}


class _Too:
    def __init__(self, file: Path) -> None:
        self._file = file

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Iterator[None]:
        kept = json.loads(self._file.read_text(encoding="utf-8"))
        terminalreporter._sessionstarttime = kept["started"]
        own = _kept(config)
        for outcome, entries in kept["stats"].items():
            new = _not_in(own.get(outcome, ()), entries)
            terminalreporter.stats.setdefault(outcome, []).extend(
                _told(config, outcome, entry) for entry in new
            )
        return (yield)


def _told(config: pytest.Config, outcome: str, data: dict[str, Any]) -> Any:
    if outcome == _WARNINGS:
        return SimpleNamespace(message=data["message"], get_location=lambda _: data["location"])
    if isinstance(data.get("longrepr"), list):  # where and why it was skipped
        data["longrepr"] = tuple(data["longrepr"])
    return config.hook.pytest_report_from_serializable(config=config, data=data) if data else None
