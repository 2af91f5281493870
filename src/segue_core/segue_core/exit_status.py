"""Exit statuses of `segue`, documented in docs/exit-codes.md, and what is said beside them."""

import errno
import traceback
from enum import IntEnum

from segue_core.errors import DataError, ErrorCode, SegueError


class ExitStatus(IntEnum):
    """What the exit status of a `segue` command says."""

    SUCCESS = 0  # done; for `run`: the task succeeded
    TASK_FAILED = 1  # the graph worked, the task did not succeed
    USAGE = 2  # unknown name or argument, value out of range, bad configuration
    POLICY_REFUSED = 3  # checkpoint missing, corrupt or for something else; refused before motion
    CONFLICT = 4  # another instance, or the ROS domain is in use
    NODE_FAILED = 5  # a node did not start, was not ready in time, or ended
    ENVIRONMENT = 6  # something is not installed or not built; see `segue doctor`
    RUN_FAILED = 7  # the run was ended by a fault of scheduler, control or perception
    TIMEOUT = 8  # not finished within --timeout
    DATA = 9  # a recording, dataset or report is at fault
    UNEXPECTED = 10  # a defect of segue itself; please report it
    INTERRUPTED = 130  # Ctrl-C or SIGTERM: the arm was stopped first
    READER_GONE = 141  # whoever read the output has quit (`segue ... | head`): the arm was stopped first


_BY_CODE = {
    ErrorCode.SCHEDULER_INFEASIBLE: ExitStatus.USAGE,
    ErrorCode.SCHEDULER_CAPABILITY: ExitStatus.USAGE,
    ErrorCode.SCHEDULER_POLICY_MISMATCH: ExitStatus.POLICY_REFUSED,
    ErrorCode.DATA_DISK: ExitStatus.ENVIRONMENT,
    ErrorCode.ENVIRONMENT_INCOMPLETE: ExitStatus.ENVIRONMENT,
    ErrorCode.PROCESS_FAILED: ExitStatus.NODE_FAILED,
    ErrorCode.SIMULATION_FAILED: ExitStatus.NODE_FAILED,
    ErrorCode.ADDRESS_IN_USE: ExitStatus.CONFLICT,
}
_BY_FAMILY = {
    2: ExitStatus.POLICY_REFUSED,
    4: ExitStatus.DATA,
    6: ExitStatus.USAGE,
}

_FULL = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG)


def exit_status(error: SegueError) -> ExitStatus:
    """The status for an error that ended a command before or beside a run."""
    return _BY_CODE.get(error.code) or _BY_FAMILY.get(int(error.code) // 100, ExitStatus.RUN_FAILED)


def refused_by_system(error: Exception) -> bool:
    """A file that cannot be opened, a disk that is full: not a defect of segue."""
    return isinstance(error, OSError) and (error.filename is not None or error.errno in _FULL)


def ending(error: Exception) -> tuple[ExitStatus, str]:
    """Status of a command that `error` ended, and what to say: one sentence, or the trace where it is our defect."""
    if isinstance(error, SegueError):
        return exit_status(error), str(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        what = f"{error.filename or 'a file'} cannot be written: {error.strerror}"
        full = DataError(ErrorCode.DATA_DISK, what)
        return exit_status(full), str(full)
    if refused_by_system(error):
        return ExitStatus.ENVIRONMENT, f"the system says: {error}"
    trace = "".join(traceback.format_exception(error))
    return ExitStatus.UNEXPECTED, f"this is a defect of segue; please report it\n{trace.rstrip()}"
