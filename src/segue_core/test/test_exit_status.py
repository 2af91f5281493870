"""Laws of exit statuses: every family of errors has its own, wherever a command ends."""

from __future__ import annotations

import errno

import pytest

from segue_core.errors import ConfigError, DataError, ErrorCode, PolicyError, SegueError
from segue_core.exit_status import ExitStatus, ending


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError(ErrorCode.DATA_DATASET_INVALID, "ds: odd"), ExitStatus.DATA),
        (DataError(ErrorCode.DATA_DISK, "ds: full"), ExitStatus.ENVIRONMENT),
        (PolicyError(ErrorCode.TRAINING_FAILED, "out: occupied"), ExitStatus.POLICY_REFUSED),
        (ConfigError(ErrorCode.CONFIG_UNKNOWN_NAME, "policy 'x'"), ExitStatus.USAGE),
        (ConfigError(ErrorCode.PROCESS_FAILED, "a worker died"), ExitStatus.NODE_FAILED),
        (OSError(errno.ENOSPC, "No space left on device"), ExitStatus.ENVIRONMENT),
        (OSError(errno.EFBIG, "File too large"), ExitStatus.ENVIRONMENT),
        (KeyError("x"), ExitStatus.UNEXPECTED),
    ],
)
def test_an_error_ends_in_the_status_of_its_family_and_only_a_defect_has_a_trace(
    error: Exception, status: ExitStatus
) -> None:
    got, said = ending(error)
    assert got == status
    assert ("Traceback" in said or "defect" in said) == (status == ExitStatus.UNEXPECTED)
    assert not isinstance(error, SegueError) or said == str(error)


def test_a_full_disk_is_said_with_the_file_and_what_to_do() -> None:
    _, said = ending(OSError(errno.ENOSPC, "No space left on device", "/data/report.html"))
    assert said.startswith(
        "[403 DATA_DISK] /data/report.html cannot be written: No space left on device. What to do: make room"
    )
