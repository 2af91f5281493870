"""Where bags are: a folder that is one, or a folder of them."""

from __future__ import annotations

from pathlib import Path

from segue_data.errors import missing

_BESIDE = ("metadata.yaml", "manifest.json")


def find_bags(folder: Path) -> list[Path]:
    """Bag folders at or directly below `folder`, sorted by name; DataError when there are none."""
    if not folder.exists():
        raise missing(folder, "no such file or folder")
    if (folder / "metadata.yaml").is_file():
        return [folder]
    bags = sorted(path.parent for path in folder.glob("*/metadata.yaml"))
    if not bags:
        raise missing(folder, _why_none(folder))
    return bags


def _why_none(folder: Path) -> str:
    if folder.is_file():
        return "a file; give the folder of the bag, or a folder of bags"
    nothing = "no bag (a folder with metadata.yaml) here or one level below"
    if unfinished_bags(folder):
        return f"{nothing}; `segue data repair {folder}` closes what a recorder left open"
    deeper = sorted({path.parent.parent for path in folder.glob("*/*/metadata.yaml")})
    return f"{nothing}; there are some in {', '.join(map(str, deeper[:3]))}" if deeper else nothing


def unfinished_bags(folder: Path) -> list[Path]:
    """Folders with files of a bag but no metadata.yaml, at or directly below `folder`."""
    return [bag for bag in recordings(folder) if not (bag / "metadata.yaml").is_file()]


def recordings(folder: Path) -> list[Path]:
    """Folders at or directly below `folder` that are a bag (MCAP or SQLite), whole or not, or were one."""
    names = ("*.mcap", "*.db3", *_BESIDE)
    found = {path.parent for name in names for path in (*folder.glob(name), *folder.glob(f"*/{name}"))}
    return sorted(bag for bag in found if not _is_stored_otherwise(bag))


def _is_stored_otherwise(bag: Path) -> bool:
    """Whether there are files of another storage, such as compressed ones, and none that can be read here."""
    files = [path.name for path in bag.iterdir() if path.is_file() and path.name not in _BESIDE]
    return bool(files) and not any(name.endswith((".mcap", ".db3")) for name in files)
