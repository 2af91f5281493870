"""What one command takes: its settings, and what their values become."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from segue_core.command_line.models import settings_of
from segue_core.command_line.setting import Setting
from segue_core.command_line.spelling import Elsewhere, nowhere
from segue_core.contracts.base import parse_model


@dataclass(frozen=True)
class Form:
    """Settings of a command.

    Args:
        settings: in the order in which help shows them.
        build: from the values that were given, by the settings' keys, to what the command works with.
        about: what the command does.
        examples: lines that help ends with.
        elsewhere: which policies have a setting that this form has not.
    """

    settings: tuple[Setting, ...]
    build: Callable[[Mapping[str, Any]], Any]
    about: str = ""
    examples: str = ""
    elsewhere: Elsewhere = nowhere


def form_of(model: type[BaseModel]) -> Form:
    """The form whose settings are the fields of `model`; its docstring is what help says, and its `EXAMPLES`."""
    return Form(
        settings_of(model),
        lambda values: parse_model(dict(values), model, "settings"),
        inspect.getdoc(model) or "",
        str(getattr(model, "EXAMPLES", "")),
    )
