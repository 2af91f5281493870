"""docs/exit-codes.md has every error code as the code itself says it: a row of the table per code."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import ErrorCode

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md"
HEAD = ["| code | name | what is wrong | what to do |", "|---|---|---|---|"]


def _rows() -> list[str]:
    return [
        f"| {code:d} | `{code.name}` | {code.meaning} | {code.next_step} |"
        for code in ErrorCode
        if code is not ErrorCode.OK
    ]


def test_the_page_has_every_error_code_with_its_meaning_and_what_to_do() -> None:
    wanted = "\n".join([*HEAD, *_rows()])
    text = PAGE.read_text(encoding="utf-8")
    found = text[text.index(HEAD[0]) :].split("\n\n")[0].rstrip() if HEAD[0] in text else ""
    assert found == wanted, f"the table of {PAGE.name} must be:\n{wanted}"
