"""One reader of the workspace: what it is given, how it reads, and what must hold of whatever it accepts."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from segue_core.errors import SegueError

from .damage import damaged, to_json, to_yaml, torn

Change = bytes | None
Changes = Mapping[str, Change]  # by file: its new content, None for a file that is gone


class Lawless(AssertionError):
    """What was accepted is forbidden by schema or physics, or a refusal does not say what it is about."""


@dataclass(frozen=True)
class Reader:
    """A reader under damage.

    Args:
        inputs: of damaged inputs.
        read: reads one, in an empty folder that it may fill; returns what it accepted.
        check: raises `Lawless` for an accepted value that must not be.
        named: one of these words is in the text of every refusal; empty: any text will do.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any, Path], object]
    check: Callable[[Any], None]
    named: tuple[str, ...] = ()

    def refuses(self, given: Any, folder: Path) -> bool:
        """Whether the input is refused with an error of Segue's own; everything else that is not right is raised."""
        try:
            value = self.read(given, folder)
        except SegueError as error:
            if self.named and not any(word in error.text for word in self.named):
                raise Lawless(f"a refusal that does not name {self.named}: {error}") from error
            return True
        self.check(value)
        return False


def must(condition: bool, what: str, got: object) -> None:
    """Raise `Lawless` unless `condition`."""
    if not condition:
        raise Lawless(f"accepted although {what}: {got!r:.300}")


def file_change(name: str, content: bytes) -> st.SearchStrategy[Change]:
    """Damage to one file, by what it is called."""
    raw = torn(content)
    if name.endswith((".yaml", ".json")):
        to_text, plain = (
            (to_yaml, yaml.safe_load(content)) if name.endswith(".yaml") else (to_json, json.loads(content))
        )
        made = damaged(plain).map(to_text)
        return st.one_of(made, made, made, raw, made.flatmap(torn), st.sampled_from((None, b"")))
    return st.one_of(raw, raw, raw, raw, st.sampled_from((None, b"")))


def one_file(
    name: str, file: str, content: bytes, read: Callable[[Path], object], check: Callable[[Any], None]
) -> Reader:
    """The reader of one file, which `read` gets the path of."""

    def write_and_read(change: Change, folder: Path) -> object:
        path = folder / file
        if change is not None:
            path.write_bytes(change)
        return read(path)

    return Reader(name, file_change(file, content), write_and_read, check, (file,))


def one_folder(
    name: str,
    source: Path,
    changes: st.SearchStrategy[Changes],
    read: Callable[[Path], object],
    check: Callable[[Any], None],
) -> Reader:
    """The reader of a folder, which `read` gets a copy of `source` of, with some files changed."""

    def write_and_read(changed: Changes, folder: Path) -> object:
        place = folder / "input"
        shutil.copytree(source, place)
        for file, content in changed.items():
            (place / file).unlink()
            if content is not None:
                (place / file).write_bytes(content)
        return read(place)

    return Reader(name, changes, write_and_read, check, ("input",))


def made_once(place: Path, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills, for all readers that ask for it by `name`; they damage copies of it."""
    folder = place.parent / f"made {name}"
    if not folder.exists():
        make(folder)
    return folder


def any_file(
    source: Path, ways: Mapping[str, st.SearchStrategy[Change]] | None = None
) -> st.SearchStrategy[Changes]:
    """Damage to one or two files of a folder; `ways` says how for some of them."""
    files = sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())
    given = dict(ways or {})
    known = {
        file: given[file] if file in given else file_change(file, (source / file).read_bytes())
        for file in files
    }
    one = st.sampled_from(files).flatmap(lambda file: known[file].map(lambda change: {file: change}))
    return st.one_of(one, one, st.builds(lambda a, b: {**a, **b}, one, one))
