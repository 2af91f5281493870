"""Commands whose work is a program of its own: training, and what the `segue` script does before the set-up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from pydantic import Field

from segue_bringup.catalogue import config_root
from segue_bringup.environment.endings import give_back, held, take
from segue_core.command_line.form import Form
from segue_core.command_line.setting import Word
from segue_core.contracts.base import StrictModel


class DoctorOptions(StrictModel):
    """Say what is installed and what is missing."""

    json_file: Annotated[Path | None, Word(name="json")] = Field(
        default=None, description="file for the checks"
    )


def train_form(words: Sequence[str]) -> Form:
    """What `segue train` takes; it becomes the words of the program that trains."""
    from segue_data.errors import missing
    from segue_policies.training.command import arguments as train_arguments

    configs = config_root() / "training"
    form = train_arguments.train_form(words, configs)

    def build(values: Mapping[str, Any]) -> tuple[str, ...]:
        given = form.build(values)
        if not given.data.exists():
            raise missing(
                given.data, "no such dataset", do="record and convert one (docs/data.md), or give data=DIR"
            )
        return (*words, f"--configs={configs}")

    return replace(form, build=build)


def train(words: Sequence[str]) -> int:
    """Train in a process of its own, which saves its work when it is interrupted; its exit status."""
    quietly = [sys.executable, "-m", "segue_bringup.environment.quietly"]
    with held():
        child = subprocess.Popen([*quietly, "segue_policies.training.command.train", *words])

        def pass_on(number: int, _: FrameType | None) -> None:
            if number != signal.SIGINT:  # which a terminal sends to the child as well
                child.terminate()

        before = take(pass_on)
    try:
        return _as_shells_say(child.wait())
    finally:
        give_back(before)


def _as_shells_say(status: int) -> int:
    """Exit status of a child; 128 + N when signal N ended it."""
    return status if status >= 0 else 128 - status


def doctor(options: DoctorOptions) -> int:
    """The checks of the `segue` script."""
    package = Path(__file__).parent.parent
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH", ""))))
    words = ["--json", str(options.json_file)] if options.json_file else []
    command = [sys.executable, "-m", "segue_bringup.environment", "doctor", *words]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
