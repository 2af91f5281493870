"""A program in the foreground, which Ctrl-C reaches as it reaches this one."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from segue_bringup.environment.endings import give_back, take


def run_to_its_end(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """The status of a program that puts things in order itself when Ctrl-C, which the terminal tells it too, ends it.

    What else asks for the end is passed on to it as Ctrl-C. KeyboardInterrupt when it has ended.
    """
    asked: list[int] = []
    started: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if number != signal.SIGINT:
            for process in started:
                process.send_signal(signal.SIGINT)

    before = take(pass_on)
    try:
        started.append(subprocess.Popen(command, env=environment, cwd=folder))
        status = started[0].wait()
    finally:
        give_back(before)
    if asked:
        raise KeyboardInterrupt
    return status if status >= 0 else 128 - status
