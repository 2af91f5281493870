"""One owner of the command stream: the run whose command came first after arming."""

from collections import Counter

from segue_core.errors import ControlError, ErrorCode


class CommandOwner:
    """Refuses commands of any other run until released; what was refused is counted as "foreign"."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.run_id: str | None = None

    def release(self) -> None:
        """Lets the next command decide who owns the stream."""
        self.run_id = None

    def check(self, run_id: str) -> None:
        """Claims the stream for `run_id` or confirms the claim.

        Raises:
            ControlError: CONTROL_FOREIGN_COMMAND when another run owns the stream.
        """
        if self.run_id is None:
            self.run_id = run_id
        if run_id != self.run_id:
            self._counts["foreign"] += 1
            raise ControlError(
                ErrorCode.CONTROL_FOREIGN_COMMAND,
                "command of another run",
                got=repr(run_id),
                expected=repr(self.run_id),
            )
