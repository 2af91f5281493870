"""Where bags are: a folder that is one, or a folder of them."""

from __future__ import annotations

from pathlib import Path

from segue_core.errors import DataError
from segue_core.files import MAX_CONFIG_BYTES
from segue_data.bags.manifest import RECORDING
from segue_data.bags.stored import files_of, packed_of
from segue_data.errors import corrupt, missing

_BESIDE = ("metadata.yaml", "manifest.json")
_NAMES = ("*.mcap", "*.db3", "*.mcap.zst*", "*.db3.zst*", *_BESIDE)
_TITLE = b"rosbag2_bagfile_information"  # how the metadata.yaml of a bag begins


def find_bags(folder: Path) -> list[Path]:
    """Bag folders at or directly below `folder`, sorted by name; DataError when there are none."""
    if not folder.exists():
        raise missing(folder, "no such file or folder", "give the folder of a bag, or a folder of bags")
    if (folder / "metadata.yaml").is_file():
        return [folder]
    bags = finished_below(folder)
    if not bags:
        raise missing(folder, *_why_none(folder))
    return bags


def the_bag(folder: Path) -> Path:
    """The one bag that is `folder`, or is anywhere below it, as in the folder of a run.

    DataError when there is none, or a choice.
    """
    bags = sorted(path.parent for path in folder.rglob("metadata.yaml"))
    if not bags:
        return find_bags(folder)[0]
    if folder in bags or len(bags) == 1:
        return folder if folder in bags else bags[0]
    some = ", ".join(map(str, bags[:3])) + (", ..." if len(bags) > 3 else "")
    raise missing(folder, f"{len(bags)} bags here, and one is wanted", f"give the folder of one: {some}")


def finished_below(folder: Path) -> list[Path]:
    """Bag folders directly below `folder`, sorted by name."""
    bags = sorted(path.parent for path in folder.glob("*/metadata.yaml"))
    return [bag for bag in bags if bag.name != RECORDING]


def open_episodes(folder: Path) -> tuple[list[Path], list[DataError]]:
    """What a recorder has in work in `folder`, or left open when it was killed; links there, which are not followed."""
    place = folder / RECORDING
    if place.is_symlink():
        return [], [_link(place)]
    found = sorted(path for path in place.glob("*") if path.is_dir())
    return [path for path in found if not path.is_symlink()], [
        _link(path) for path in found if path.is_symlink()
    ]


def _link(path: Path) -> DataError:
    what = f"a link, to {path.readlink()}, where a recorder keeps open episodes; not followed"
    do = "remove the link, and repair the folder that it leads to if that holds recordings"
    return corrupt(path.parent, path.name, what, do)


def _why_none(folder: Path) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    if folder.is_file():
        return "a file", "give the folder of the bag, or a folder of bags"
    nothing = "no bag (a folder with metadata.yaml) here or one level below"
    if unfinished_bags(folder):
        return nothing, f"`segue data repair {folder}` closes what a recorder left open"
    deeper = sorted({path.parent.parent for path in folder.glob("*/*/metadata.yaml")})
    some = ", ".join(map(str, deeper[:3]))
    return nothing, f"there are some in {some}: give that folder" if deeper else "give a folder of bags"


def unfinished_bags(folder: Path) -> list[Path]:
    """Folders with files of a bag but no metadata.yaml, at or directly below `folder`."""
    return [bag for bag in recordings(folder) if not (bag / "metadata.yaml").is_file()]


def recordings(folder: Path) -> list[Path]:
    """Folders at or directly below `folder` that are a bag (MCAP or SQLite), whole or not, or were one."""
    return [bag for bag in _candidates(folder) if not _stored_otherwise(bag)]


def foreign_recordings(folder: Path) -> dict[Path, str]:
    """Bags at or directly below `folder` that no file of can be read here, and one of the files that they have."""
    found = {bag: _stored_otherwise(bag) for bag in _candidates(folder) if (bag / "metadata.yaml").is_file()}
    return {
        bag: files[0] for bag, files in found.items() if files and _TITLE in _beginning(bag / "metadata.yaml")
    }


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_CONFIG_BYTES)


def _candidates(folder: Path) -> list[Path]:
    found = {path.parent for name in _NAMES for path in (*folder.glob(name), *folder.glob(f"*/{name}"))}
    return sorted(bag for bag in found if bag.name != RECORDING)


def _stored_otherwise(bag: Path) -> list[str]:
    """Files of another storage, or compressed otherwise, where there are none that can be read here."""
    if files_of(bag) or packed_of(bag):
        return []
    return sorted(path.name for path in bag.iterdir() if path.is_file() and path.name not in _BESIDE)
