"""What is wrong with words, said before anything is imported or set up: by the rules and the settings of the command.

The rules are `segue_core.command_line`'s, in its modules of the standard library; the settings are those of the index.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segue_bringup.environment import index as indices
from segue_bringup.environment.own import rules
from segue_bringup.environment.workspace import Workspace

_KINDS: Mapping[str, Any] = {"bool": bool, "int": int, "float": float, "str": str, "Path": Path}


def refusal(workspace: Workspace, words: Sequence[str]) -> str:
    """The sentence that refuses the words; empty when nothing is wrong with them, or nothing is known of them."""
    index = indices.load(workspace)
    if index is None or not indices.usual_configuration() or {"-h", "--help"} & set(words):
        return ""
    command, left = indices.command_of(list(words), index)
    rules(workspace)
    from segue_core.command_line.checking import check
    from segue_core.command_line.spelling import spelled
    from segue_core.errors import ConfigError, unknown_name

    if command == "segue":
        group = f"segue {words[0]}"
        inner = [name.removeprefix(f"{group} ") for name in index["about"] if name.startswith(f"{group} ")]
        return f"segue: {unknown_name(f'command of {group}', words[1], inner)}" if inner and words[1:] else ""
    settings = [_setting(plain) for plain in indices.settings_of(command, left, index)]
    names = _names(workspace, index)
    try:
        if command == "segue train" and indices.trains_own(workspace, left):
            return ""
        check(spelled(left, settings, command, names), settings, names)
    except ConfigError as error:
        return f"{command}: {error}"
    return ""


def _names(workspace: Workspace, index: indices.Index) -> Any:
    return lambda kind: indices.names(workspace, kind, index)


def _setting(plain: indices.Setting) -> Any:
    from segue_core.command_line.setting import REQUIRED, Range, Setting, Word

    kind = _KINDS[plain["kind"]]
    return Setting(
        name=plain["name"],
        kind=tuple[kind, ...] if plain["many"] else kind,  # type: ignore[valid-type]
        default=REQUIRED if plain["required"] else None,
        help=plain["help"],
        choices=tuple(plain["choices"]),
        range=Range(*plain["range"]) if plain["range"] else None,
        word=Word(
            names=plain["names"],
            free=plain["free"],
            place=plain["place"],
            also=tuple(plain["also"]),
            off=tuple(plain["off"]),
        ),
    )
