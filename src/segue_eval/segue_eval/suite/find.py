"""Suites by name: `config/suites/<name>.yaml`; `table2` is accepted for `legato-table2`."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import unknown_name
from segue_core.files import load_config
from segue_data.contracts import config_folder
from segue_eval.suite.spec import SuiteSpec


def suite_folder() -> Path:
    """Where the suite files are."""
    return config_folder() / "suites"


def suite_names() -> list[str]:
    """Full names of all suites."""
    return sorted(path.stem for path in suite_folder().glob("*.yaml"))


def full_name(name: str) -> str:
    """The suite that `name` means: its full name, or what follows the first dash where that is unambiguous.

    Raises ConfigError listing all names.
    """
    names = suite_names()
    meant = [full for full in names if name in (full, full.partition("-")[2])]
    if len(meant) != 1:
        raise unknown_name("suite", name, names)
    return meant[0]


def load_suite(name: str) -> SuiteSpec:
    """Read a suite file; raises ConfigError for an unknown name or a bad file."""
    path = suite_folder() / f"{full_name(name)}.yaml"
    return load_config(path, SuiteSpec, "suite")
