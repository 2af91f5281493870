"""Merge pip's resolution reports of several Python versions into one lock file with markers.

For each supported Python, in a clean environment of it:

    pip install --dry-run --ignore-installed --report report-3.11.json -r requirements/wheels.in

then `python requirements/lock.py report-3.10.json report-3.11.json ... > requirements/wheels.txt`.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

HEADER = """\
# Made by requirements/lock.py from requirements/wheels.in. Complete: install with --no-deps, after torch.txt.
# Linux x86_64, Python {versions}.
"""


def pins(report: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """Python version "3.11" and name -> version of one pip report."""
    environment, install = report["environment"], report["install"]
    assert isinstance(environment, dict) and isinstance(install, list)
    found = {}
    for item in install:
        name = str(item["metadata"]["name"]).lower().replace("_", "-")
        found[name] = str(item["metadata"]["version"])
    return str(environment["python_version"]), found


def line(name: str, by_python: Mapping[str, str], pythons: list[str]) -> list[str]:
    """The pin of one package: bare when all Pythons agree, otherwise one marked line per version."""
    versions = set(by_python.values())
    if len(versions) == 1 and len(by_python) == len(pythons):
        return [f"{name}=={versions.pop()}"]
    lines = []
    for version in sorted(versions):
        users = [python for python in pythons if by_python.get(python) == version]
        marker = " or ".join(f'python_version == "{python}"' for python in users)
        lines.append(f"{name}=={version} ; {marker}")
    return lines


def merge(reports: list[Mapping[str, object]]) -> str:
    """The text of the lock file."""
    resolved = dict(sorted((pins(report) for report in reports), key=lambda pair: int(pair[0].split(".")[1])))
    pythons = list(resolved)
    lines = [HEADER.format(versions=", ".join(pythons))]
    for name in sorted(set().union(*resolved.values())):
        by_python = {python: found[name] for python, found in resolved.items() if name in found}
        lines += line(name, by_python, pythons)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(merge([json.loads(Path(name).read_text()) for name in sys.argv[1:]]))
