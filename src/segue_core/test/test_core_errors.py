"""Errors: a code of the right range, a text that is never empty."""

import pickle

import pytest

from segue_core import errors
from segue_core.errors import ErrorCode, SegueError, nearest_name, unknown_name

FAMILIES = [
    errors.SchedulerError,
    errors.PolicyError,
    errors.ControlError,
    errors.DataError,
    errors.PerceptionError,
    errors.ConfigError,
]


def test_every_code_belongs_to_exactly_one_family() -> None:
    for code in set(ErrorCode) - {ErrorCode.OK}:
        assert sum(code in family.codes for family in FAMILIES) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_is_never_silent(family: type[SegueError]) -> None:
    code = next(code for code in ErrorCode if code in family.codes)
    assert code.name in str(family(code, ""))
    assert str(int(code)) in str(family(code, "  "))


def test_got_expected_and_allowed_are_said() -> None:
    error = SegueError(
        ErrorCode.CHUNK_WRONG_SHAPE, "chunk", got=(1, 2), expected="(60, 14)", allowed=["a", "b"]
    )
    assert error.text == "chunk; got (1, 2); expected (60, 14); allowed: a, b"


def test_a_falsy_value_is_still_said() -> None:
    assert "got 0" in SegueError(ErrorCode.CONFIG_INVALID_VALUE, "stride", got=0).text


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_cross_process_boundaries(family: type[SegueError]) -> None:
    error = family(ErrorCode.POLICY_FAILED, "text", got=1)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is family
    assert back.code is error.code
    assert str(back) == str(error)


def test_what_to_do_next_is_the_errors_own_or_else_the_codes() -> None:
    error = SegueError(ErrorCode.DATA_DISK, "disk full", do="delete something")
    assert error.advised == "disk full. What to do: delete something"
    assert pickle.loads(pickle.dumps(error)).advised == error.advised
    general = SegueError(ErrorCode.DATA_DISK, "disk full.")
    assert general.advised == f"disk full. What to do: {ErrorCode.DATA_DISK.next_step}"


def test_a_message_of_code_and_text_carries_what_to_do_where_the_code_does_not_say_it() -> None:
    """Who read the code and the text of a fault was told what the code advises, not what the fault did."""
    general = SegueError(ErrorCode.DATA_DISK, "disk full")
    own = SegueError(ErrorCode.DATA_DISK, "disk full", do="delete something")
    assert (general.carried, own.carried) == ("disk full", own.advised)
    for error in (general, own):
        read = SegueError(ErrorCode.DATA_DISK, error.carried)
        assert (read.advised, read.carried) == (error.advised, error.carried)


def test_an_error_about_an_error_that_says_what_to_do_says_it_once() -> None:
    inner = SegueError(ErrorCode.DATA_DISK, "disk full")
    for text in (inner.advised, f"service refused: {inner}"):
        outer = SegueError(ErrorCode.PROCESS_FAILED, text)
        assert outer.advised == text


def test_a_number_from_the_wire_finds_its_code() -> None:
    assert ErrorCode(112) is ErrorCode.TASK_BUSY
    assert pickle.loads(pickle.dumps(ErrorCode.TASK_BUSY)) is ErrorCode.TASK_BUSY


def test_unknown_names_get_the_nearest_and_all_valid_ones() -> None:
    error = unknown_name("task", "pick_plaice", ["pour", "pick_place"])
    assert error.code is ErrorCode.CONFIG_UNKNOWN_NAME
    assert "did you mean 'pick_place'" in str(error)
    assert "allowed: pick_place, pour" in str(error)
    assert "did you mean" not in str(unknown_name("task", "xyz", ["pour"]))
    assert "allowed: (none)" in str(unknown_name("task", "x", []))
    assert nearest_name("legat0", ["legato", "rtc"]) == "legato"


def test_a_text_of_megabytes_is_named_not_repeated() -> None:
    """A task name of three million letters once kept the scheduler busy for nine seconds, and filled its log."""
    long = "x" * 3_000_000
    text = str(unknown_name("task", long, ["pour"]))
    assert "(3000000 letters)" in text and "allowed: pour" in text and len(text) < 300
    assert len(SegueError(ErrorCode.CONFIG_INVALID_VALUE, "name", got=long).text) < 600


def test_a_code_that_another_process_told_is_one_of_ours_or_the_one_that_stands_for_it() -> None:
    """A guard that told code 65535 once ended the mover."""
    otherwise = ErrorCode.CONTROL_NOT_ARMED
    assert errors.told_code(307, otherwise) is ErrorCode.CONTROL_EMERGENCY_STOP
    assert [errors.told_code(number, otherwise) for number in (0, 65535, -1)] == [otherwise] * 3
