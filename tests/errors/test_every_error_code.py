"""Laws of the error codes: each can be met, and its text says what is wrong, with what, and what to do next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

from segue_core.errors import WHAT_TO_DO, ErrorCode

from . import (
    provoked_control,
    provoked_data,
    provoked_perception,
    provoked_policies,
    provoked_scheduler,
    provoked_set_up,
)
from .provoking import CASES, Case, met

MODULES = (
    provoked_scheduler,
    provoked_policies,
    provoked_control,
    provoked_data,
    provoked_perception,
    provoked_set_up,
)
WORDS = 3  # of an advice, at least


def test_every_code_but_success_is_provoked_by_exactly_one_case_of_its_range() -> None:
    counts = Counter(case.code for case in CASES)
    assert set(ErrorCode) - set(counts) == {ErrorCode.OK}, "a code without a case"
    assert {code.name: count for code, count in counts.items() if count > 1} == {}
    for case in CASES:
        assert case.provoke.__module__ == MODULES[case.code // 100 - 1].__name__


def test_every_code_has_a_meaning_and_a_next_step_of_its_own() -> None:
    codes = [code for code in ErrorCode if code is not ErrorCode.OK]
    for code in codes:
        assert code.meaning and len(code.next_step.split()) >= WORDS, code.name
        assert not code.next_step.endswith(".") and code.next_step[0] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
            code.name
        )
    assert len({code.meaning for code in codes}) == len(codes)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code:d}-{case.code.name}" for case in CASES])
def test_an_error_names_the_thing_the_value_and_what_to_do_next(case: Case, tmp_path: Path) -> None:
    told = met(case, tmp_path)
    assert told.code == case.code, told.text
    what, _, step = told.text.partition(WHAT_TO_DO)
    assert case.says, "a case says what its text must have"
    for part in case.says:
        assert part in what.replace(str(tmp_path), "FOLDER"), told.text
    assert len(step.split()) >= WORDS, f"no next step: {told.text}"
    assert WHAT_TO_DO not in step, f"the next step is said twice: {told.text}"
    for ugly in ("Traceback", "None", "object at 0x", ";;"):
        assert ugly not in told.text, told.text
