"""Files of a bag that are compressed as a whole (`NAME.mcap.zstd`), unpacked so that they can be repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import zstandard

from segue_data.bags.stored import unpacked_name
from segue_data.errors import writing

_BLOCK_BYTES = 2**20


def _unpack(path: Path, out: Path) -> str:
    """Write what `path` holds to `out`; why that is not all of it, or empty."""
    frame: zstandard.ZstdDecompressionObj | None = None
    with path.open("rb") as source, out.open("wb") as target:
        while block := source.read(_BLOCK_BYTES):
            while block:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                try:
                    target.write(frame.decompress(block))
                except zstandard.ZstdError as error:
                    return f"it is damaged ({error})"
                block, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
        written = target.tell()
    return "it is cut" if frame or not written else ""


@contextmanager
def unpacked(
    packed: Sequence[Path], free_name: Callable[[Path], Path]
) -> Iterator[tuple[list[Path], list[str]]]:
    """Within, the files are there without compression, too: which, and what is to be said of each.

    One that lies beside its compressed file already is left as it is. Afterwards a compressed file is gone when all of
    it was unpacked, and put aside under its `free_name` when not; after an error everything is as it was before.
    """
    written: list[Path] = []
    wrong: dict[Path, str] = {}
    try:
        for path in packed:
            if not (plain := path.with_name(unpacked_name(path))).exists():
                written.append(plain)
                with writing(path.parent):
                    wrong[path] = _unpack(path, plain)
        yield written, [f"{path.name}: {_told(path, why, free_name)}" for path, why in wrong.items()]
    except BaseException:
        for plain in written:
            plain.unlink(missing_ok=True)
        raise
    for path, why in wrong.items():
        if why:
            path.rename(free_name(path))
        else:
            path.unlink()


def _told(path: Path, why: str, free_name: Callable[[Path], Path]) -> str:
    return f"{why}; it is {free_name(path).name} now" if why else "unpacked"
