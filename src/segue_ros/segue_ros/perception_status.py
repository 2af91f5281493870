"""Whether the robot is seen, as perception tells it on /diagnostics, and the reason for whoever lacks observations."""

from collections.abc import Mapping
from typing import Any, Final

from segue_core.errors import ErrorCode, PerceptionError

NAME: Final = "segue_perception: observation"
_CODE, _TEXT = "error_code", "error_text"
_CODES = {str(int(code)): code for code in ErrorCode if int(code) in PerceptionError.codes}


def told(fault: PerceptionError | None) -> Mapping[str, str]:
    """What the status called NAME says of why there is no observation; nothing when there is one."""
    return {} if fault is None else {_CODE: str(int(fault.code)), _TEXT: fault.carried}


class Unseen:
    """The last word of perception. `fault` is None while it sees, or has said nothing."""

    def __init__(self) -> None:
        self.fault: PerceptionError | None = None

    def hear(self, message: Any) -> None:
        """Takes what any node says on /diagnostics, a DiagnosticArray."""
        for status in message.status:
            if status.name == NAME:
                values = {pair.key: pair.value for pair in status.values}
                code = _CODES.get(values.get(_CODE, ""))
                self.fault = PerceptionError(code, values.get(_TEXT, "")) if code else None

    def because(self, text: str) -> PerceptionError:
        """`text`, that there are no observations, with perception's reason and its code where it gave one."""
        if self.fault is None:
            return PerceptionError(ErrorCode.STATE_MISSING, text)
        return PerceptionError(self.fault.code, f"{text}: {self.fault.text}")
