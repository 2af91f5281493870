"""The one way in which files of text are opened: regular files of a bounded size, read whole.

A name can lead anywhere: to a pipe that nobody writes to, to /dev/zero, to a folder, to a video of ten gigabytes.
Opening waits for nobody, and reading takes no more than `most` bytes. The one module of the core that touches a disk.
"""

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue_core.contracts.base import ModelT, load_mapping, load_yaml, parse_model
from segue_core.errors import ConfigError, ErrorCode, SegueError

MAX_CONFIG_BYTES = 2**20
MAX_JSON_BYTES = 2**26
_PART = 2**20
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


class UnreadableFileError(OSError):
    """No regular file, or one that is larger than what it should be can be; the text says which and what is allowed."""


def regular(path: Path | str, most: int | None = None) -> Path:
    """`path`, which is a regular file of at most `most` bytes: for libraries that open files by themselves.

    Raises:
        FileNotFoundError, PermissionError: as `stat`. UnreadableFileError: it is something else, or larger.
    """
    _check(Path(path).stat(), path, most)
    return Path(path)


def read_bytes(path: Path | str, most: int = MAX_JSON_BYTES) -> bytes:
    """All bytes of a regular file of at most `most` bytes; raises as `regular`."""
    regular(path, most)
    # Between the look and the opening the name may lead elsewhere: opening waits for nobody, and is looked at again.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        _check(os.fstat(handle), path, most)
        content = bytearray()
        while part := file.read(_PART):
            content += part
            if len(content) > most:  # a file that grows, or one of /proc, which has no size
                raise UnreadableFileError(f"{path}: more than {most} bytes")
    return bytes(content)


def read_text(path: Path | str, most: int = MAX_JSON_BYTES) -> str:
    """As `read_bytes`, decoded; raises UnicodeDecodeError, a ValueError, for what is not UTF-8."""
    return read_bytes(path, most).decode()


def read_json(path: Path | str, most: int = MAX_JSON_BYTES) -> Any:
    """Parsed JSON of a file.

    Raises:
        OSError: as `read_bytes`. ValueError: not UTF-8, not JSON, or nested too deeply.
    """
    return parse_json(read_bytes(path, most))


def parse_json(text: str | bytes) -> Any:
    """Parsed JSON; raises ValueError also for what is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_written(path: Path, model: type[ModelT], wrong: Callable[[str], SegueError]) -> ModelT:
    """JSON that this workspace wrote earlier, as `model`; whatever happened to it since is said.

    Raises:
        SegueError: what `wrong` makes of a text that names the file, the key, its value and what is allowed.
    """
    try:
        return parse_model(read_json(path), model, str(path))
    except (OSError, ValueError) as error:
        raise wrong(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    except ConfigError as error:
        raise wrong(error.text.replace("\n", "; ")) from error


def read_lines(path: Path | str) -> list[Any]:
    """JSON line by line; a torn last line, which a killed writer leaves, is left out.

    Raises:
        OSError: as `read_bytes`. ValueError: not UTF-8, or another line is not JSON; the text names it.
    """
    lines = read_text(path).splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse_json(line))
        except ValueError as error:
            if number < len(lines):
                raise ValueError(f"line {number} is not JSON: {error}") from error
    return found


def read_arrays(path: Path | str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz by name, each of the shape that it has there; nothing is unpickled.

    Raises:
        OSError: as `regular`. ValueError: no such file, or it lacks one of them.
    """
    try:
        with np.load(regular(path), allow_pickle=False) as kept:
            return {name: np.asarray(kept[name]) for name in names}
    except OSError:
        raise
    except Exception as error:  # zip, zlib and NumPy's header each raise their own
        raise ValueError(f"{path}: not these arrays: {type(error).__name__}: {error}") from error


def read_array(path: Path | str) -> NDArray[Any]:
    """An array of .npy as a read-only memory map; nothing is unpickled, and a size that the file has not is refused.

    Raises:
        OSError: as `regular`. ValueError: no such array; the text names the file.
    """
    try:
        array: NDArray[Any] = np.load(regular(path), mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # NumPy parses the header as Python does, and raises what that raises
        raise ValueError(f"{path}: no array: {type(error).__name__}: {error}") from error
    return array


def read_config(path: Path | str, what: str = "configuration") -> bytes:
    """The text of a configuration file, not yet parsed.

    Raises:
        ConfigError: CONFIG_UNREADABLE, naming the file and why it cannot be read.
    """
    try:
        return read_bytes(path, MAX_CONFIG_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = str(error).removeprefix(f"{path}: ")
        raise ConfigError(
            ErrorCode.CONFIG_UNREADABLE, f"{what} file '{path}' cannot be read: {why}"
        ) from error


def load_config(path: Path | str, model: type[ModelT], what: str = "configuration") -> ModelT:
    """A YAML file as `model`; `what` it should have been. ConfigError as `read_config` and `load_yaml`."""
    return load_yaml(read_config(path, what), model, str(path), str(Path(path).absolute().parent))


def load_config_mapping(path: Path | str, what: str = "configuration") -> dict[str, Any]:
    """A YAML file as plain data. ConfigError as `read_config` and `load_mapping`."""
    return load_mapping(read_config(path, what), str(path))


def _check(found: os.stat_result, path: Path | str, most: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise UnreadableFileError(f"{path}: is {kind}, expected a file")
    if most is not None and found.st_size > most:
        raise UnreadableFileError(f"{path}: has {found.st_size} bytes, allowed: at most {most}")
