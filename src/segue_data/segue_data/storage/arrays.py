"""Arrays on disk that have their room before they are filled: a full disk is an error, not the end of the process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segue_core.figures import size
from segue_data.errors import write_failed


def new_array(file: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """A new memory-mapped array; writing to it cannot fail any more.

    Raises:
        DataError: there is no room for it, or `file` cannot be written.
    """
    try:
        array = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    except OSError as error:
        needed = size(np.prod(shape, dtype=float) * np.dtype(dtype).itemsize)
        text = f"{needed} for {file.name} cannot be written: {error.strerror}; make room, or choose another folder"
        raise write_failed(file.parent, text) from error
    return array


def save_array(file: Path, values: NDArray[Any]) -> None:
    """Write an array of .npy; raises as `new_array`."""
    array = new_array(file, values.dtype, values.shape)
    array[...] = values
    array.flush()  # type: ignore[attr-defined]
