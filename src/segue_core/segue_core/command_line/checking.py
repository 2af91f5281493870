"""Texts of settings judged before anything is made of them: names, numbers, ranges."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from segue_core.command_line.setting import Setting, Valid, values_of
from segue_core.contracts.search import KINDS, existing, is_file, is_world
from segue_core.errors import ConfigError, ErrorCode, unknown_name

BOOLEANS: Final = {
    "true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False,
}  # fmt: skip
_EXPECTED = {int: "an integer", float: "a number", bool: "true or false"}


def check(texts: Mapping[str, Sequence[str]], settings: Sequence[Setting], valid: Valid) -> None:
    """Refuse what no setting can mean.

    Raises:
        ConfigError: an unknown name (with the nearest), a text that is no number, or a number out of range.
    """
    by_name = {setting.name: setting for setting in settings}
    for name, given in texts.items():
        for text in given:
            _check_one(by_name[name], text, valid)


def _check_one(setting: Setting, text: str, valid: Valid) -> None:
    allowed = values_of(setting, valid)
    if setting.word.names in KINDS and is_file(text):
        existing(text)
    elif setting.word.names == "tasks" and is_world(text):
        pass  # its command knows which worlds there are, or that it runs in none
    elif (
        allowed
        and text not in allowed
        and not setting.word.free
        and not (setting.word.names and is_file(text))
    ):
        raise unknown_name(setting.name, text, allowed)
    elif setting.word.judge:
        pkgutil.resolve_name(setting.word.judge)(text, allowed)
    kind = get_args(setting.kind)[0] if setting.many else setting.kind
    value = _parsed(setting, kind, text)
    if setting.range is not None and value not in setting.range:
        expected = str(setting.range)
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, setting.option, got=text, expected=expected)


def _parsed(setting: Setting, kind: Any, text: str) -> Any:
    try:
        return BOOLEANS[text.lower()] if kind is bool else kind(text) if kind in (int, float) else text
    except (ValueError, KeyError):
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, setting.option, got=repr(text), expected=_EXPECTED[kind]
        ) from None
