"""Names that packages add by entry points, read from their files at every Tab. Standard library, and little of it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from segue_bringup.environment.workspace import Workspace

METHODS = "segue.methods"
_RECORDS = (".dist-info", ".egg-info")


def entry_names(workspace: Workspace, group: str) -> set[str]:
    """Names of the entry points of a group, in every folder where commands find packages."""
    texts = (text for folder in _folders(workspace) for text in _texts(folder))
    return {name for text in texts if group in text for name in _names(text, group)}


def _folders(workspace: Workspace) -> Iterator[str]:
    """Those of this process, the caller's PYTHONPATH among them; the workspace's packages; the virtual environment."""
    built = [*workspace.build.glob("*"), *workspace.install.glob("*/lib/python3*/site-packages")]
    yield from dict.fromkeys((*filter(None, sys.path), *map(str, built), str(workspace.site_packages)))


def _texts(folder: str) -> Iterator[str]:
    try:
        records = [name for name in os.listdir(folder) if name.endswith(_RECORDS)]  # noqa: PTH208
    except OSError:
        return
    for name in records:
        try:
            with open(f"{folder}/{name}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123
                yield file.read()
        except (OSError, ValueError):
            continue


def _names(text: str, group: str) -> Iterator[str]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            yield line.partition("=")[0].strip()


def method_folders(package: Path) -> list[str]:
    """Folders of `segue_policies` that hold a method."""
    return sorted(
        file.parent.name
        for file in package.glob("methods/*/method.py")
        if (file.parent / "__init__.py").exists()
    )
