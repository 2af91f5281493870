"""Where the user's own robots, tasks, policies and suites lie: folders that are searched before the shipped one.

Each is laid out as `config/` is: `robots/mine.yaml`, `tasks/mine.yaml`, ...
"""

import os
from pathlib import Path

from segue_core.errors import ConfigError, ErrorCode

VARIABLE = "SEGUE_CONFIG_PATH"
KINDS = ("robots", "tasks", "policies", "suites")
"""What a user may have of his own; other kinds of files are the shipped ones."""


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
            raise ConfigError(ErrorCode.CONFIG_UNREADABLE, text, got=str(folder), do=do)
    here = () if os.environ.get("SEGUE_CONFIG_DIR") else (Path("config"),)
    return tuple(folder.absolute() for folder in (*named, *here) if folder.is_dir())


def config_files(kind: str, shipped: Path) -> dict[str, Path]:
    """The files of a kind, such as "robots", by name, sorted; the user's own one of a name comes first."""
    files: dict[str, Path] = {}
    for folder in (*(own_folders() if kind in KINDS else ()), shipped):
        for path in (folder / kind).glob("*.yaml"):
            files.setdefault(path.stem, path)
    return dict(sorted(files.items()))
