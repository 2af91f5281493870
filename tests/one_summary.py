"""A pytest plugin: two sessions that share the tests, and end with one summary.

pytest --alongside --tell-later=FILE ...    what needs no quiet machine; its reports go to FILE, and it prints a
                                            summary only when it was cut short, and leaves no FILE
pytest --alone --tell-too=FILE ...          what is marked `system`; its summary is of both
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Reports = dict[str, list[Any]]
_WARNINGS = "warnings"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("one summary of two sessions")
    group.addoption("--alongside", action="store_true", help="leave out what is marked `system`")
    group.addoption("--alone", action="store_true", help="run only what is marked `system`")
    group.addoption(
        "--tell-later", metavar="FILE", type=Path, help="keep the summary for the session that follows"
    )
    group.addoption("--tell-too", metavar="FILE", type=Path, help="what the session before has kept")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # of xdist: it prints nothing
        return
    if file := config.getoption("--tell-later"):
        config.option.no_summary = True
        config.pluginmanager.register(_Later(file))
    if file := config.getoption("--tell-too"):
        config.pluginmanager.register(_Too(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for option, wanted in (("--alongside", False), ("--alone", True)):
        if config.getoption(option):
            items[:] = [item for item in items if bool(item.get_closest_marker("system")) == wanted]


def _reporter(config: pytest.Config) -> Any:
    return config.pluginmanager.get_plugin("terminalreporter")


class _Later:
    def __init__(self, file: Path) -> None:
        self._file = file

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Ctrl-C, a file that cannot be collected, or the first failure of `-x`."""
        self._file = Path()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._file == Path() or session.shouldfail or session.shouldstop:
            session.config.option.no_summary = False
        else:
            kept = {"started": _reporter(session.config)._sessionstarttime, "stats": _kept(session.config)}
            self._file.write_text(json.dumps(kept, default=str), encoding="utf-8")


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
        for outcome, entries in kept["stats"].items():
            here = terminalreporter.stats.setdefault(outcome, [])
            collected = {report.nodeid for report in here if isinstance(report, pytest.CollectReport)}
            here.extend(
                _told(config, outcome, entry) for entry in entries if entry.get("nodeid") not in collected
            )
        return (yield)


def _told(config: pytest.Config, outcome: str, data: dict[str, Any]) -> Any:
    if outcome == _WARNINGS:
        return SimpleNamespace(message=data["message"], get_location=lambda _: data["location"])
    if isinstance(data.get("longrepr"), list):  # where and why it was skipped
        data["longrepr"] = tuple(data["longrepr"])
    return config.hook.pytest_report_from_serializable(config=config, data=data) if data else None
