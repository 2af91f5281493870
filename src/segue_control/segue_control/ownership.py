"""One owner of the command stream: the run, and the node, whose command came first after arming."""

from collections import Counter

from segue_core.errors import ControlError, ErrorCode


class CommandOwner:
    """Refuses everybody else's commands until released; what was refused is counted as "foreign"."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.run_id: str | None = None
        self._sender = b""

    def release(self) -> None:
        """Lets the next command decide who owns the stream."""
        self.run_id = None

    def check(self, run_id: str, sender: bytes = b"") -> None:
        """Claims the stream for `run_id` of one publisher, or confirms the claim.

        Two schedulers that took the same goal have the same run id, so the id alone does not tell them apart.

        Raises:
            ControlError: CONTROL_FOREIGN_COMMAND when another run, or another publisher, owns the stream.
        """
        if self.run_id is None:
            self.run_id, self._sender = run_id, sender
        if (run_id, sender) == (self.run_id, self._sender):
            return
        self._counts["foreign"] += 1
        if run_id == self.run_id:
            text = f"command of a second publisher under the run id {run_id!r}"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)
        raise ControlError(
            ErrorCode.CONTROL_FOREIGN_COMMAND,
            "command of another run",
            got=repr(run_id),
            expected=repr(self.run_id),
        )
