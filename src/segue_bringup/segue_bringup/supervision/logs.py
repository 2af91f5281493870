"""Follows the logs of the nodes and picks out what people should see at once."""

import re
from pathlib import Path

# rcutils: "[WARN] [1700000000.1] [scheduler]: text"; Python: "Traceback" and the "SomeError: text" that ends it.
_WORTH_SEEING = re.compile(r"^\s*\[(WARN|ERROR|FATAL)\]|^Traceback|^[\w.]+(Error|Exception)\b")
_WENT_WELL = re.compile(r"^\s*\[(DEBUG|INFO)\]")
_STAMP = re.compile(r"\[\d{9,}\.\d+\]\s*")
_CHUNK = 65536


def went_well(line: str) -> bool:
    """Whether a line of a node's log says how things go, and not what is wrong."""
    return bool(_WENT_WELL.search(line))


def without_stamp(line: str) -> str:
    """A line of a node's log without its time."""
    return _STAMP.sub("", line)


class LogFollower:
    """Reads what was appended to a set of log files since the last look."""

    def __init__(self) -> None:
        self._offsets: dict[Path, int] = {}
        self._rest: dict[Path, bytes] = {}

    def add(self, path: Path) -> None:
        """Follow `path`, which may not exist yet, from its present end."""
        self._offsets.setdefault(path, _size(path))

    def new_lines(self) -> list[tuple[str, str]]:
        """Complete new lines worth showing, as (name of the log, line without its time stamp)."""
        return [
            (path.stem, without_stamp(line))
            for path in self._offsets
            for line in self._read(path)
            if _WORTH_SEEING.search(line)
        ]

    def _read(self, path: Path) -> list[str]:
        offset = self._offsets[path]
        if _size(path) <= offset:  # twenty times a second, for every node
            return []
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_CHUNK)
        self._offsets[path] += len(data)
        *lines, self._rest[path] = (self._rest.get(path, b"") + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
