"""The source is formatted, linted, typed, and its imports point inward."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ("src", "tests", "launch", "requirements")
CHECKS = {
    "ruff check": ["ruff", "check", "--quiet", *SOURCE],
    "ruff format": ["ruff", "format", "--check", "--quiet", *SOURCE],
    "mypy strict": ["mypy", "--no-error-summary"],
    "import contracts": ["lint-imports", "--no-cache"],
}


@pytest.mark.timeout(1200)  # of mypy on a machine that has other work, too
@pytest.mark.parametrize("name", CHECKS)
def test_source_passes(name: str) -> None:
    tool, *arguments = CHECKS[name]
    command = [str(Path(sys.executable).parent / tool), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} failed:\n{done.stdout}{done.stderr}"
