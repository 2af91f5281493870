"""A form as cyclopts sees it: a function with one typed parameter per setting. Conversion and the help page are its."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Group, Parameter
from rich.console import Console

from segue_core.command_line.checking import BOOLEANS
from segue_core.command_line.form import Form
from segue_core.command_line.setting import REQUIRED, Setting, Valid
from segue_core.errors import ConfigError, ErrorCode

_SPELLINGS = "Every setting may be written --name VALUE, --name=VALUE, name:=VALUE or name=VALUE."


def converted(texts: Mapping[str, tuple[str, ...]], form: Form, command: str) -> dict[str, Any]:
    """Values of the texts by the settings' names, each of its setting's type."""
    settings = {setting.name: setting for setting in form.settings}
    words = [
        f"{settings[name].option}={_plain(settings[name], text)}"
        for name, given in texts.items()
        for text in given
    ]
    given_only = tuple(replace(settings[name], default=REQUIRED) for name in texts)
    try:
        app = _app(replace(form, settings=given_only), command, "")
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, str(error)) from None
    names = {_identifier(setting): setting.name for setting in given_only}
    return {names[name]: value for name, value in bound.arguments.items()}


def _plain(setting: Setting, text: str) -> str:
    return str(BOOLEANS[text.lower()]).lower() if setting.kind is bool else text


def help_text(form: Form, command: str, valid: Valid, width: int) -> str:
    """The page that `--help` prints: settings by group, with defaults, ranges and choices."""
    text = io.StringIO()
    listed = tuple(_with_names(setting, valid) for setting in form.settings if setting.listed)
    app = _app(replace(form, settings=listed), command, form.about)
    app.help_print([], console=Console(file=text, width=width, force_terminal=False, highlight=False))
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    tail = [_SPELLINGS, "", form.examples] if listed else [form.examples]
    return "\n".join([_usage(form, command), "", *lines, *tail]).strip() + "\n"


def _with_names(setting: Setting, valid: Valid) -> Setting:
    names = tuple(valid(setting.word.names)) if setting.word.names else ()
    return replace(setting, help=f"{setting.help} [one of: {', '.join(names)}]") if names else setting


def _usage(form: Form, command: str) -> str:
    places = [setting for setting in form.settings if setting.word.place]
    words = [f"{place.name.upper()}{' ...' if place.many else ''}" for place in places]
    shown = [
        word if place.default is REQUIRED else f"[{word}]" for word, place in zip(words, places, strict=True)
    ]
    return " ".join([f"usage: {command}", *shown, "[SETTINGS]"])


def _app(form: Form, command: str, about: str) -> App:
    def work(*_: Any, **__: Any) -> None:
        pass

    order = {name: number for number, name in enumerate(dict.fromkeys(s.group for s in form.settings))}
    parameters = [_parameter(setting, order) for setting in form.settings]
    needed_first = sorted(parameters, key=lambda one: (one.kind, one.default is not inspect.Parameter.empty))
    work.__signature__ = inspect.Signature(needed_first)  # type: ignore[attr-defined]
    app = App(name=command, help=about, help_format="plaintext", help_flags=(), version_flags=(), usage="")
    app.default(work)
    return app


def _parameter(setting: Setting, order: Mapping[str, int]) -> inspect.Parameter:
    place, needed = setting.word.place, setting.default is REQUIRED
    kind: Any = Literal[setting.choices] if setting.choices and not setting.many else setting.kind
    negative = [f"--{name.replace('_', '-')}" for name in (f"no_{setting.name}", *setting.word.off)]
    shown = Parameter(
        name=setting.option,
        help=_help(setting),
        group=Group(setting.group, sort_key=order[setting.group]),
        negative=negative if setting.kind is bool and setting.default is True else (),
        show_default=_shown if not needed and _tells(setting.default) else False,
        allow_leading_hyphen=True,
    )
    return inspect.Parameter(
        _identifier(setting),
        inspect.Parameter.POSITIONAL_OR_KEYWORD if place else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if needed else setting.default,
        annotation=Annotated[kind if needed or setting.default is not None else kind | None, shown],
    )


def _tells(default: Any) -> bool:
    """Whether a default says something: neither nothing nor a reference into the configuration."""
    return default is not False and default not in (None, "", ()) and "${" not in str(default)


def _shown(default: Any) -> str:
    if isinstance(default, tuple | list):
        return ", ".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _help(setting: Setting) -> str:
    parts = [setting.help]
    if setting.range is not None:
        parts.append(f"[{setting.range}]")
    also = [name for name in setting.word.also if "." not in name]
    if also:
        parts.append(f"[also {', '.join(also)}]")
    return " ".join(filter(None, parts))


def _identifier(setting: Setting) -> str:
    return setting.name.replace(".", "__")
