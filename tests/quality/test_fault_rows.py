"""Every row of docs/faults.md is tried by a file of the fault suite, and every such file has its row."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_row_has_a_file_and_every_file_a_row() -> None:
    rows = {
        int(n) for n in re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)
    }
    files = {int(path.name[5:7]) for path in (ROOT / "tests" / "faults").glob("test_[0-9][0-9]_*.py")}
    assert files == rows
