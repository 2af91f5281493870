"""Where LeRobot runs: an interpreter that has it, or a machine where its server was started by hand."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode

PYTHON, SERVER = "LEROBOT_PYTHON", "LEROBOT_SERVER"
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
_HOW = (
    f"export {PYTHON}=FOLDER/bin/python, an environment that has LeRobot and nothing of Segue (docs/training.md), "
    "or ./segue adopt CHECKPOINT --robot NAME --lerobot FOLDER/bin/python"
)


@dataclass(frozen=True)
class Place:
    """Exactly one of the two is given.

    Args:
        python: interpreter that has LeRobot; not resolved, since an environment's is a link.
        address: host and port of a server.
    """

    python: Path | None = None
    address: tuple[str, int] | None = None

    def __str__(self) -> str:
        return str(self.python) if self.address is None else "{}:{}".format(*self.address)


def parse_place(text: str, source: str) -> Place:
    """An interpreter's path or name, or HOST:PORT; `source` is named in errors.

    Raises:
        ConfigError: ENVIRONMENT_INCOMPLETE, there is no such interpreter.
    """
    if match := _ADDRESS.fullmatch(text):
        return Place(address=(match["host"].strip("[]"), int(match["port"])))
    found = shutil.which(Path(text).expanduser())
    if found is None:
        raise ConfigError(
            ErrorCode.ENVIRONMENT_INCOMPLETE, f"{source} names no program that can be run", got=text,
            expected="an interpreter that has LeRobot, such as ~/lerobot/bin/python, or HOST:PORT",
        )  # fmt: skip
    return Place(python=Path(found).absolute())


def find_place(own: str, environment: Mapping[str, str] = os.environ) -> Place:
    """The place of a checkpoint: its `own` (segue.yaml) if it has one, else that of the environment.

    Raises:
        ConfigError: ENVIRONMENT_INCOMPLETE, none is named, or what is named is not there.
    """
    named = [
        ("lerobot in segue.yaml", own),
        *((name, environment.get(name, "")) for name in (SERVER, PYTHON)),
    ]
    for source, text in named:
        if text:
            return parse_place(text, source)
    raise ConfigError(ErrorCode.ENVIRONMENT_INCOMPLETE, "nothing says where LeRobot is", do=_HOW)
