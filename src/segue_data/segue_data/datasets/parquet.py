"""Tables of a dataset: whole, or the rows of one episode; what cannot be read names its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segue_core.files import regular
from segue_data.errors import invalid_dataset

_BATCH = 64  # rows in memory at once where rows hold pictures


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        raise invalid_dataset(path, "parquet", f"{type(error).__name__}: {error}") from error


def _open(path: Path, columns: Sequence[str]) -> pq.ParquetFile:
    file = pq.ParquetFile(regular(path), page_checksum_verification=True)
    there = file.schema_arrow.names
    if absent := [name for name in columns if name not in there]:
        what = f"no column {', '.join(absent)}; there are {', '.join(there)}"
        raise invalid_dataset(path, "columns", what)
    return file


def column_names(path: Path) -> list[str]:
    """Names of the columns, without reading them."""
    with _named(path):
        return list(pq.read_schema(regular(path)).names)


def read_table(path: Path, columns: Sequence[str] = ()) -> pa.Table:
    """Columns of a parquet file, all if none are named; DataError when it is corrupt or lacks one."""
    with _named(path):
        return _open(path, columns).read(columns=list(columns) or None)


def batches(
    path: Path, columns: Sequence[str], first: int, length: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Rows first .. first + length in pieces (number of the first row, rows); other row groups are not read.

    row groups    |-----|-----|-----|-----|
    wanted               ^first ....^            reads the two that hold them
    """
    with _named(path):
        file = _open(path, columns)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes]).tolist()
        groups = [g for g in range(len(sizes)) if starts[g] < first + length and starts[g + 1] > first]
        at = starts[groups[0]] if groups else 0
        for batch in file.iter_batches(_BATCH, row_groups=groups, columns=list(columns)):
            low, high = max(first - at, 0), min(first + length - at, len(batch))
            if high > low:
                yield at + low, batch.slice(low, high - low)
            at += len(batch)


def numbers(file: Path, name: str) -> NDArray[Any]:
    """Column `name` of a file as (rows,), gaps as NaN; DataError when it holds no plain numbers."""
    column = read_table(file, [name]).column(name)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise invalid_dataset(file, name, f"is {column.type}, expected one number a row")
    return np.asarray(column.to_numpy())


def matrix(table: pa.Table, name: str, width: int, source: Path) -> NDArray[np.float32]:
    """Column `name` as (rows, width) float32; DataError naming the first row of another width."""
    column = table.column(name).combine_chunks()
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise invalid_dataset(source, name, f"is {kind}, expected lists of {width} numbers")
    widths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    if (wrong := np.flatnonzero(widths != width)).size:
        row = int(wrong[0])
        more = f", and {wrong.size - 1} rows more" if wrong.size > 1 else ""
        raise invalid_dataset(
            source, f"{name}, row {row}", f"{int(widths[row])} numbers, expected {width}{more}"
        )
    try:
        with np.errstate(
            over="ignore"
        ):  # what is too large for a float32 becomes infinite, and is refused as that
            flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False)).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise invalid_dataset(source, name, f"holds {kind.value_type}, expected numbers") from error
    return flat.reshape(-1, width)
