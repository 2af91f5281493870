"""What commands take, read from the file that `segue_bringup.command_index` wrote. Standard library only."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segue_bringup.environment.words.installed import METHODS, entry_names, method_folders
from segue_bringup.environment.words.script_settings import rules
from segue_bringup.environment.workspace import Workspace

Setting = dict[str, Any]
Index = dict[str, Any]
FILE = "commands.json"
CODE = {
    "continuation": "segue.continuation",
    "termination": "segue.termination",
    "corrector": "segue.correctors",
}
"""Settings whose values are names of code, whatever command takes them, and the entry points that add to it."""
OFFERED = {"hardware": "hardware", "camera_set": "cameras", "pose": "poses"} | dict.fromkeys(
    ("run", "runs", "bag"), "runs"
)
"""Settings by their name to the kind of names that they are completed with, though they take other values, too."""
WORLDS = "worlds"
"""Tasks of worlds that others wrote, FAMILY/NAME."""
_POSES = re.compile(r"^( *)poses:(.*\n(?:\1 .*\n)*)", re.MULTILINE)
_METHOD = re.compile(r"^method: *(\w+)", re.MULTILINE)
_OPTIONS = "policy_options"
_CHECKPOINT = "config.yaml"
UNREAD = "?"
"""The method of a checkpoint that only its command can read."""


def load(workspace: Workspace) -> Index | None:
    """The index, if it is there and nothing that it was made from has changed since."""
    try:
        index: Index = json.loads((workspace.state / FILE).read_text())
        settings = index["settings"]
        index["commands"] = {
            name: [settings[place] for place in places] for name, places in index["commands"].items()
        }
        fresh = _fresh(index) and method_folders(Path(index["package"])) == index["folders"]
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return index if fresh else None


def kept_settings(file: Path) -> list[Setting] | None:
    """Settings that a file keeps, if nothing that they were read from has changed since."""
    try:
        kept = json.loads(file.read_text())
        settings: list[Setting] | None = kept["settings"] if _fresh(kept) else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return settings


def _fresh(kept: Index) -> bool:
    return all(os.stat(file).st_mtime_ns == time for file, time in kept["files"].items())  # noqa: PTH116


def usual_configuration() -> bool:
    """Whether the configuration is the workspace's, which the index describes."""
    return not os.environ.get("SEGUE_CONFIG_DIR")


def names(workspace: Workspace, kind: str, index: Index) -> list[str]:
    """Names that the configuration offers, the user's own folders included; a method is a policy, too.

    Raises:
        ConfigError: SEGUE_CONFIG_PATH names a folder that is not there.
    """
    if kind in CODE:
        return _of_code(workspace, kind)
    if kind == WORLDS:
        return list(index["worlds"])
    if kind == "runs":
        return sorted(str(bag.parent) for bag in Path("runs").glob("*/bag"))
    if kind == "poses":
        return sorted({"home", "start", *_poses(_files(workspace, "robots"))})
    files = _files(workspace, kind)
    ours = {"policies": index["methods"], "training": trained(index)}.get(kind)
    return list(files) if ours is None else sorted({*files, *ours, *entry_names(workspace, METHODS)})


def _files(workspace: Workspace, kind: str) -> dict[str, Path]:
    rules(workspace)
    from segue_core.contracts.search import config_files

    return config_files(kind, Path(os.environ.get("SEGUE_CONFIG_DIR") or workspace.root / "config"))


def _poses(robots: dict[str, Path]) -> Iterator[str]:
    """Names of poses in robots' contracts, as they are written there: nothing that reads YAML is imported."""
    for file in robots.values():
        for found in _POSES.finditer(file.read_text(encoding="utf-8", errors="replace")):
            yield from re.findall(r"(\w+): *\[", found[2])


def _of_code(workspace: Workspace, kind: str) -> list[str]:
    """Names of modules of the scheduler's folder of that kind, and of installed packages' own."""
    package = workspace.root / "src" / "segue_scheduler" / "segue_scheduler" / kind
    ours = {file.stem for file in package.glob("*.py")} - {"__init__", "base"}
    return sorted(ours | entry_names(workspace, CODE[kind]))


def trained(index: Index) -> list[str]:
    """What is shipped for `segue train`: files and methods."""
    return [
        name.removeprefix("segue train ") for name in index["commands"] if name.startswith("segue train ")
    ]


def own_trainings(workspace: Workspace) -> list[str]:
    """Names of training files in the user's own folders, whose settings the index does not know.

    Raises:
        ConfigError: SEGUE_CONFIG_PATH names a folder that is not there.
    """
    return list(_own_trainings(workspace))


def _own_trainings(workspace: Workspace) -> dict[str, Path]:
    rules(workspace)
    from segue_core.contracts.search import own_folders

    own = [folder for folder in own_folders() if folder != workspace.root / "config"]
    return {file.stem: file for folder in own for file in (folder / "training").glob("*.yaml")}


def command_of(words: list[str], index: Index) -> tuple[str, list[str]]:
    """The whole command that words begin with, and the words that are left; "segue" where they name none."""
    commands = index["commands"]
    for length in (2, 1):
        whole = " ".join(["segue", *words[:length]])
        if len(words) >= length and whole in commands and not (length == 2 and words[0] == "train"):
            return whole, words[length:]
    return "segue", words


def settings_of(workspace: Workspace, command: str, words: list[str], index: Index) -> list[Setting]:
    """What a command takes; of `segue train` what the policy among the words takes.

    Raises:
        ConfigError: SEGUE_CONFIG_PATH names a folder that is not there.
    """
    settings: list[Setting] = index["commands"][command]
    if command == "segue train":
        named = methods_named(workspace, words)
        policies = [name for name in named if f"{command} {name}" in index["commands"]]
        settings = index["commands"][f"{command} {policies[0]}"] if policies else settings
    return [*settings, *options_of(method_of(workspace, settings, words), settings, index)]


def methods_named(workspace: Workspace, words: Sequence[str]) -> list[str]:
    """What the words of `segue train` may name a method by: of `policy=act` the value, of an own training its method.

    Raises:
        ConfigError: SEGUE_CONFIG_PATH names a folder that is not there.
    """
    own, values = _own_trainings(workspace), map(_named, words)
    return [_method_in(own[value]) if value in own else value for value in values]


def _named(word: str) -> str:
    name, _, value = word.partition("=")
    return value if name.removeprefix("--").removesuffix(":") in ("policy", "method") else word


def options_of(method: str, settings: list[Setting], index: Index) -> list[Setting]:
    """What a method lets a command with `settings` say of how it answers; a name that is taken stays."""
    taken = {name for one in settings for name in (one["name"], *one["also"])}
    return [one for one in index["options"].get(method, ()) if one["name"] not in taken]


def method_of(workspace: Workspace, settings: list[Setting], words: list[str]) -> str:
    """The method whose options a command takes beside its settings; empty where it takes none.

    Raises:
        ConfigError: SEGUE_CONFIG_PATH names a folder that is not there.
    """
    by_name = {one["name"]: one for one in settings if one["listed"]}
    if _OPTIONS not in by_name:
        return ""
    policy, checkpoint = _told(words, "policy"), _told(words, "checkpoint")
    if checkpoint and not policy:
        return _method_in(Path(checkpoint).expanduser() / _CHECKPOINT) or UNREAD
    policy = policy or by_name["policy"]["usual"]
    file = _files(workspace, "policies").get(policy, Path(policy))
    return _method_in(file) or policy


def _told(words: list[str], name: str) -> str:
    """What words say of a setting, in any spelling; the last that does."""
    marks = (f"--{name}=", f"{name}:=", f"{name}=")
    told = ""
    for number, word in enumerate(words):
        mark = next((mark for mark in marks if word.startswith(mark)), "")
        if mark:
            told = word.removeprefix(mark)
        elif word == f"--{name}":
            told = " ".join(words[number + 1 : number + 2])
    return told


def _method_in(file: Path) -> str:
    """The method that a training, a policy or a checkpoint names; empty for none, or no such file."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    found = _METHOD.search(text)
    return found[1] if found else ""
