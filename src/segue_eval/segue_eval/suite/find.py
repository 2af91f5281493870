"""Suites by name: `config/suites/<name>.yaml`; `table2` is accepted for `legato-table2`."""

from __future__ import annotations

from segue_core.command_line import judges
from segue_core.files import load_config
from segue_data.contracts import names, path_of
from segue_eval.suite.spec import SuiteSpec


def suite_names() -> list[str]:
    """Full names of all suites."""
    return list(names("suites"))


def full_name(name: str) -> str:
    """The suite that `name` means: its full name, or what follows the first dash where that is unambiguous.

    Raises ConfigError listing all names.
    """
    return judges.full_name(name, suite_names(), "suite")


def load_suite(name: str) -> SuiteSpec:
    """Read a suite file; raises ConfigError for an unknown name or a bad file."""
    return load_config(path_of("suites", full_name(name)), SuiteSpec, "suite")
