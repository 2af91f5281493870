"""The one error of set-up: what is wrong, and what a person can do about it."""

from typing import Final

ENVIRONMENT_INCOMPLETE: Final = 606  # segue_core.errors.ErrorCode.ENVIRONMENT_INCOMPLETE, not importable yet
EXIT_ENVIRONMENT: Final = 6  # exit status of every command that stops for this reason


class EnvironmentProblem(Exception):
    """Set-up cannot go on until a person does something.

    Args:
        text: what is wrong, one sentence.
        cure: what to do, usually a command line.
    """

    def __init__(self, text: str, cure: str) -> None:
        self.text = text
        self.cure = cure
        super().__init__(f"[{ENVIRONMENT_INCOMPLETE} ENVIRONMENT_INCOMPLETE] {text}\n  What to do: {cure}")
