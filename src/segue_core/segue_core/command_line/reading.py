"""Words of a command read into what it works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from segue_core.command_line.checking import BOOLEANS, check
from segue_core.command_line.form import Form
from segue_core.command_line.setting import REQUIRED, Setting, Valid
from segue_core.command_line.spelling import spelled
from segue_core.contracts.search import name_of
from segue_core.errors import ConfigError, ErrorCode


def read(words: Sequence[str], form: Form, command: str, valid: Valid) -> Any:
    """What `form` makes of the words.

    Raises:
        ConfigError: an unknown name or value, one out of range, or a missing one: what is allowed, and the nearest.
    """
    texts = spelled(words, form.settings, command, valid, form.elsewhere)
    check(texts, form.settings, valid)
    for setting in form.settings:
        if setting.default is REQUIRED and setting.name not in texts:
            raise _missing(setting, command)
    words_of = {setting.name: setting.word for setting in form.settings}
    texts = {
        name: tuple(name_of(words_of[name].names, text) for text in given) for name, given in texts.items()
    }
    keys = {setting.name: setting.key or setting.name for setting in form.settings}
    return form.build({keys[name]: value for name, value in values(texts, form, command).items()})


_PLAIN: Final[Mapping[Any, Callable[[str], Any]]] = {
    str: str, int: int, float: float, Path: Path, bool: lambda text: BOOLEANS[text.lower()],
}  # fmt: skip


def values(texts: Mapping[str, tuple[str, ...]], form: Form, command: str) -> dict[str, Any]:
    """Values of checked texts by the settings' names.

    One word for a plain type needs no cyclopts, whose import takes a tenth of a second.
    """
    kinds = {setting.name: setting.kind for setting in form.settings}
    plain = [name for name, given in texts.items() if len(given) == 1 and kinds[name] in _PLAIN]
    found = {name: _PLAIN[kinds[name]](texts[name][0]) for name in plain}
    if len(plain) == len(texts):
        return found
    from segue_core.command_line.typed import converted

    return found | converted({name: texts[name] for name in texts if name not in found}, form, command)


def _missing(setting: Setting, command: str) -> ConfigError:
    name = setting.name.upper() if setting.word.place else setting.option
    do = f"give it; ./{command} --help says what it takes"
    return ConfigError(ErrorCode.CONFIG_INVALID_VALUE, f"{name} is not given", expected=setting.help, do=do)
