"""One owner of the command stream: the run, and the node, whose command came first after arming."""

from collections import Counter

from segue_core.errors import ControlError, ErrorCode

_LATELY_NS = 500_000_000


class CommandOwner:
    """Refuses everybody else's commands until released; what was refused is counted as "foreign".

    Who commands without having the robot would own it from the next arming on: `intruder` says so before.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self.run_id: str | None = None
        self._sender = b""
        self._refused: tuple[int, bytes] | None = None  # when, and whose

    def note_refused(self, sender: bytes, now_ns: int) -> None:
        """A command of this publisher was refused, for whatever reason."""
        self._refused = now_ns, sender

    def intruder(self, now_ns: int) -> bytes | None:
        """The publisher whose command was refused half a second ago or later; None when there is none."""
        if self._refused is None or now_ns - self._refused[0] > _LATELY_NS:
            return None
        return self._refused[1]

    def release(self) -> None:
        """Lets the next command decide who owns the stream."""
        self.run_id = None

    def check(self, run_id: str, sender: bytes = b"", now_ns: int = 0) -> None:
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
        self.note_refused(sender, now_ns)
        if run_id == self.run_id:
            text = f"command of a second publisher under the run id {run_id!r}"
            raise ControlError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)
        raise ControlError(
            ErrorCode.CONTROL_FOREIGN_COMMAND,
            "command of another run",
            got=repr(run_id),
            expected=repr(self.run_id),
        )
