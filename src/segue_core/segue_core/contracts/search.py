"""Where the user's own robots, tasks, policies, suites, trainings lie: files that are named, and folders before ours.

Each folder is laid out as `config/` is: `robots/mine.yaml`, `tasks/mine.yaml`, ...
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_core.errors import ConfigError

VARIABLE = "SEGUE_CONFIG_PATH"
FILES = "SEGUE_CONFIG_FILES"
"""Files that words of a command stand for, a line each: robots=/lab/arm.yaml; its processes inherit it."""

KINDS = ("robots", "tasks", "policies", "suites", "training")
"""What a user may have of his own; other kinds of files are the shipped ones."""

_ENDINGS = (".yaml", ".yml")
_WORLD = re.compile(r"[A-Za-z0-9]\w*/[A-Za-z0-9][\w.-]*", re.ASCII)


def _refusal(code: str, text: str, got: str, do: str) -> ConfigError:
    """Imported by whoever is refused: folders are searched at every Tab."""
    from segue_core.errors import ConfigError, ErrorCode

    return ConfigError(ErrorCode[code], text, got=got, do=do)


def own_folders() -> tuple[Path, ...]:
    """The folders of `$SEGUE_CONFIG_PATH`, written as PATH is, then `config` of the working folder if it is there.

    Who names a whole configuration in `$SEGUE_CONFIG_DIR` means that one, not what happens to be in the working folder.

    Raises:
        ConfigError: the variable names a folder that is not there.
    """
    named = [Path(word).expanduser() for word in os.environ.get(VARIABLE, "").split(os.pathsep) if word]
    for folder in named:
        if not folder.is_dir():
            text, do = (
                f"{VARIABLE} names a folder that is not there",
                f"make it, or take it out of {VARIABLE}",
            )
            raise _refusal("CONFIG_UNREADABLE", text, str(folder), do)
    here = () if os.environ.get("SEGUE_CONFIG_DIR") else (Path("config"),)
    return tuple(folder.absolute() for folder in (*named, *here) if folder.is_dir())


def is_file(word: str) -> bool:
    """Whether a word is written like a file, and not like a name."""
    return ("/" in word or word.endswith(_ENDINGS)) and not is_world(word)


def is_world(word: str) -> bool:
    """Whether a word is the task of a world that others wrote, FAMILY/NAME (segue_core.world), and no file here."""
    return bool(_WORLD.fullmatch(word)) and not word.endswith(_ENDINGS) and not Path(word).exists()


def folder_word(task: str) -> str:
    """A task's name as a part of a folder's: of a world FAMILY/NAME it is FAMILY-NAME."""
    return task.replace("/", "-") if is_world(task) else task


def existing(word: str) -> Path:
    """The file that a word stands for; ConfigError where it is not there."""
    path = Path(word).expanduser().absolute()
    if not path.is_file():
        do = "see that it is written as it is called; a name, without folder and .yaml, is searched for"
        raise _refusal("CONFIG_UNREADABLE", "no such file", word, do)
    return path


def name_of(kind: str, word: str) -> str:
    """The name that a word stands for: itself, or that of a file, which from here on is the one of its name.

    Raises:
        ConfigError: no such file, or two of one name.
    """
    if kind not in KINDS or not is_file(word):
        return word
    path, named = existing(word), _named()
    other = named.setdefault((kind, path.stem), path)
    if other != path:
        text = f"two files of {kind} are called {path.stem}"
        raise _refusal("CONFIG_CONFLICT", text, f"{other} and {path}", "rename one of them")
    os.environ[FILES] = "\n".join(f"{group}={file}" for (group, _), file in named.items())
    return path.stem


def _named() -> dict[tuple[str, str], Path]:
    lines = [line.partition("=") for line in os.environ.get(FILES, "").splitlines()]
    return {(kind, Path(file).stem): Path(file) for kind, _, file in lines}


def config_files(kind: str, shipped: Path) -> dict[str, Path]:
    """The files of a kind, such as "robots", by name, sorted; the user's own one of a name comes first."""
    files = {name: path for (group, name), path in _named().items() if group == kind}
    for folder in (*(own_folders() if kind in KINDS else ()), shipped):
        for path in (folder / kind).glob("*.yaml"):
            files.setdefault(path.stem, path)
    return dict(sorted(files.items()))
