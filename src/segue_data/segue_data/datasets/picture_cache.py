"""Where decoded pictures of a dataset are kept, and that they are only taken when they are complete.

    PLACE/<files>-<view>            arrays, then a marker; digests of the dataset's files, and of how they are read
    PLACE/<files>-<view>.partial    claimed by the process that decodes; the others wait

PLACE is the folder that was asked for (`cache=DIR`, SEGUE_CACHE_DIR), otherwise `.cache` in the dataset, and where that
cannot be written a folder of the user's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from segue_core.files import read_json
from segue_data.errors import write_failed
from segue_data.storage.claimed_folder import claimed
from segue_data.storage.folder_lock import FolderLock

HERE = ".cache"
VARIABLE = "SEGUE_CACHE_DIR"
_MARKER = "complete.json"
_OURS = re.compile(
    r"[0-9a-f]{16}(-|$)"
)  # names of what is kept; the place may be a link to folders of others
Build = Callable[[Path], None]


def cached(dataset: Path, key: str, build: Build, asked: Path | None = None) -> Path:
    """The folder that `build` filled for `key`, now or before; nobody sees it before it is complete.

    Raises:
        DataError: it can be written nowhere, or what `build` raises.
    """
    places = list(_places(dataset, asked))
    for place in places:
        if _complete(place / key):
            return place / key
    place = _first_writable(dataset, places)
    target = place / key
    with claimed(target.with_name(f"{key}.partial"), lambda: _say_waiting(dataset)) as working:
        if not _complete(target):
            if place != places[0]:
                print(f"{dataset} cannot be written: its pictures are decoded into {place}", file=sys.stderr)
            _remove_stale(place, key)
            build(working)
            _mark(working)
            working.replace(target)
    return target


def _say_waiting(dataset: Path) -> None:
    print(f"waiting for another process that decodes {dataset}", file=sys.stderr, flush=True)


def _mark(folder: Path) -> None:
    """The last thing that is written: size and time of every file; all of it is on the disk then."""
    facts = {}
    for file in sorted(folder.iterdir()):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        seconds = int(file.stat().st_mtime) // 2 * 2  # the coarsest clock of a file system
        os.utime(file, (seconds, seconds))
        facts[file.name] = _facts(file)
    with (folder / _MARKER).open("w", encoding="utf-8") as marker:
        json.dump(facts, marker)
        marker.flush()
        os.fsync(marker.fileno())


def _facts(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def _complete(folder: Path) -> bool:
    """Whether the marker is there and every file is as it was when that was written."""
    try:
        facts = read_json(folder / _MARKER)
        return bool(facts) and all(
            _facts(folder / name) == list(value) and os.access(folder / name, os.R_OK)
            for name, value in facts.items()
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _remove_stale(place: Path, key: str) -> None:
    """What is damaged, of other files than those that are there now, or of a process that was killed."""
    current = key.split("-", maxsplit=1)[0]
    for folder in place.iterdir():
        stale = _OURS.match(folder.name) and not folder.name.startswith(f"{current}-")
        if not folder.is_dir() or not (stale or folder.name == key):
            continue
        lock = FolderLock(folder)  # a folder that somebody fills is locked, ours too
        if lock.held:
            if folder.name == key:
                print(f"{folder} is damaged or incomplete; decoding again", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _places(dataset: Path, asked: Path | None) -> Iterator[Path]:
    """Where it may be, the best place first."""
    chosen = asked or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    own = f"{dataset.resolve().name}-{hashlib.sha256(str(dataset.resolve()).encode()).hexdigest()[:12]}"
    if chosen is not None:
        yield chosen / own
        return
    yield dataset / HERE
    for base in (os.environ.get("XDG_CACHE_HOME"), _home_cache()):
        if base and Path(base).is_absolute():
            yield Path(base) / "segue" / own
    yield Path(tempfile.gettempdir()) / f"segue-{os.getuid()}" / own


def _home_cache() -> str | None:
    home = Path("~/.cache").expanduser()
    return str(home) if home.is_absolute() else None


def _first_writable(dataset: Path, places: list[Path]) -> Path:
    reasons = []
    for place in places:
        try:
            _make(place)
            Path(tempfile.mkdtemp(dir=place)).rmdir()
            return place
        except OSError as error:
            reasons.append(f"{place} ({error.strerror})")
    what = f"no place for its decoded pictures: {', '.join(reasons)}; give cache=DIR or set {VARIABLE}"
    raise write_failed(dataset, what)


def _make(place: Path) -> None:
    """The folder; in the folder for temporary files, where anybody may make one, only below one of our own."""
    if place.parent.parent == Path(tempfile.gettempdir()):
        place.parent.mkdir(mode=0o700, exist_ok=True)
        there = place.parent.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
            raise PermissionError(None, "not a folder of this user")
    place.mkdir(parents=True, exist_ok=True)
