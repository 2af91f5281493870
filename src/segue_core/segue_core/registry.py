"""Find a method, continuation, rule or task by name: a module in a package's folder, or an installed entry point.

A new built-in is one new file with a `create` function; one from another package is an entry point that names
its `create` function. Neither touches an existing file.
"""

import importlib
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from segue_core.errors import unknown_name

_SUPPORT = frozenset({"base"})  # modules in the folders that are found by nobody


def available(package: str, group: str) -> tuple[str, ...]:
    """All names, built in and installed, sorted."""
    return tuple(sorted({*_built_in(package), *installed(group)}))


def find(package: str, group: str, kind: str, name: str) -> Any:
    """The `create` function registered as `name`; a built-in cannot be replaced by an entry point.

    Raises:
        ConfigError: no such name; the valid ones are listed.
    """
    if name in _built_in(package):
        return importlib.import_module(f"{package}.{name}").create
    entries = installed(group)
    if name in entries:
        return entries[name].load()
    raise unknown_name(kind, name, available(package, group))


def _built_in(package: str) -> frozenset[str]:
    return _in_folders(tuple(importlib.import_module(package).__path__))


@cache  # looking lists folders: four of them for every goal were half of what a scheduler does for one
def _in_folders(path: tuple[str, ...]) -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(path)) - _SUPPORT


def installed(group: str) -> Mapping[str, EntryPoint]:
    """Entry points of a group in every installed package, by name."""
    return _installed(group, tuple(sys.path))


@cache  # looking reads files of all packages: for a fifth of a second on a busy machine, and for every goal
def _installed(group: str, _: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}
