"""What is wrong with words, said before anything is imported or set up: by the rules and the settings of the command.

The rules are `segue_core.command_line`'s, in its modules of the standard library; the settings are those of the index.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from segue_bringup.environment.words import index as indices
from segue_bringup.environment.words.installed import METHODS, entry_names
from segue_bringup.environment.words.script_settings import rules
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
    from segue_core.errors import ConfigError, ErrorCode, unknown_name

    if command == "segue":
        group = f"segue {words[0]}"
        inner = [name.removeprefix(f"{group} ") for name in index["about"] if name.startswith(f"{group} ")]
        return f"segue: {unknown_name(f'command of {group}', words[1], inner)}" if inner and words[1:] else ""
    names, method = _names(workspace, index), ""
    try:
        judge = _training(workspace, left, index) if command == "segue train" else command
        if not judge:
            return ""
        known = index["commands"][judge]
        method = indices.method_of(workspace, known, left)
        settings = [_setting(plain) for plain in [*known, *indices.options_of(method, known, index)]]
        elsewhere = partial(_methods_with, index if method else {"options": {}})
        check(spelled(left, settings, command, names, elsewhere), settings, names)
    except ConfigError as error:
        foreign = error.code is ErrorCode.CONFIG_UNKNOWN_NAME and method in {
            indices.UNREAD,
            *_installed(workspace),
        }
        return "" if foreign else f"{command}: {error}"
    return ""


def _training(workspace: Workspace, words: Sequence[str], index: indices.Index) -> str:
    """The command of the index that has the settings of what is trained; empty where the index does not know it.

    Raises:
        ConfigError: nothing is called as what is trained.
    """
    from segue_core.command_line.spelling import first_places
    from segue_core.contracts.search import is_file
    from segue_core.errors import unknown_name

    train, known = "segue train", index["commands"]
    places = [
        _setting(plain) for plain in known[train] if not plain["also"]
    ]  # others are of the training itself
    named = first_places(words, places, ("policy", "task", "config", "configs", "method"))
    policy = named.get("policy", "")
    if {"config", "configs", "method"} & set(named) or is_file(policy):
        return ""
    if not policy:
        return train
    whole = f"{policy}_{named['task']}" if "task" in named else policy
    own = indices.own_trainings(workspace)
    if {policy, whole} & set(own):
        return ""
    shipped = next((f"{train} {name}" for name in (whole, policy) if f"{train} {name}" in known), "")
    if shipped:
        return shipped
    installed = _installed(workspace)
    if policy in installed:
        return ""
    raise unknown_name("policy to train", whole, {*indices.trained(index), *own, *installed})


def _methods_with(index: indices.Index, name: str) -> tuple[str, ...]:
    return tuple(
        method for method, options in index["options"].items() if name in (one["name"] for one in options)
    )


def _installed(workspace: Workspace) -> set[str]:
    """Methods of other packages; asked of Python as well, which finds them in archives, too."""
    from importlib.metadata import entry_points

    found = {entry.name for entry in entry_points(group=METHODS)}
    return found | entry_names(workspace, METHODS)


def _names(workspace: Workspace, index: indices.Index) -> Any:
    def names(kind: str) -> list[str]:
        found = indices.names(workspace, kind, index)
        return sorted({*found, *_installed(workspace)}) if kind == "policies" else found

    return names


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
            commas=plain["commas"],
            judge=plain["judge"],
            place=plain["place"],
            also=tuple(plain["also"]),
            off=tuple(plain["off"]),
        ),
    )
