"""What happens to files: a bit flips, an end is lost, a length becomes huge, numbers and names become others."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from safetensors.numpy import load_file, save_file

Change = Callable[[Path], None]
_HUGE = 2**62
_STATE = "observation.state"
WEIGHTS = "weights.safetensors"
_TABLE = "data/chunk-000/file-000.parquet"


@dataclass(frozen=True)
class Damage:
    """`change` is done to `file` (a pattern) of a copy."""

    name: str
    file: str
    change: Change

    def copy(self, source: Path, target: Path) -> Path:
        """A damaged copy of a folder; the path of the file that is damaged."""
        shutil.copytree(source, target)
        (path,) = target.rglob(self.file)
        self.change(path)
        return path


def flipped(path: Path) -> None:
    """The highest bit of the byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x80
    path.write_bytes(content)


def cut(path: Path) -> None:
    """The second half is lost."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def huge_length(at: int) -> Change:
    """The eight bytes at an offset, which say how long something is, say 2^62."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at : at + 8] = _HUGE.to_bytes(8, "little")
        path.write_bytes(content)

    return change


def edited(edit: Callable[[Any], object]) -> Change:
    """`edit` is done to the data of a YAML or JSON file."""

    def change(path: Path) -> None:
        is_json = path.suffix == ".json"
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if is_json else yaml.safe_load(text)
        edit(data)
        path.write_text(json.dumps(data) if is_json else yaml.safe_dump(data), encoding="utf-8")

    return change


def _with(**values: Any) -> Change:
    return edited(lambda data: data.update(values))


def _not_a_number(path: Path) -> None:
    """One weight, with a checksum that fits."""
    weights = load_file(path)
    name = next(
        name for name, values in weights.items() if np.issubdtype(values.dtype, np.floating) and values.ndim
    )
    weights[name].flat[0] = np.nan
    save_file(weights, path)
    seal = hashlib.sha256(path.read_bytes()).hexdigest()
    _with(weights_sha256=seal)(path.with_name("config.yaml"))


def _state(of: Callable[[list[float]], list[float]]) -> Change:
    """`of` is done to every state in a table."""

    def change(path: Path) -> None:
        table = pq.read_table(path)
        rows = pa.array([of(row) for row in table.column(_STATE).to_pylist()], pa.list_(pa.float32()))
        pq.write_table(table.set_column(table.column_names.index(_STATE), _STATE, rows), path)

    return change


def _arm(**values: Any) -> Change:
    return edited(lambda robot: robot["arms"][0].update(values))


CHECKPOINT = (
    Damage("a bit flipped", WEIGHTS, flipped),
    Damage("cut in half", WEIGHTS, cut),
    Damage("a header of 2^62 bytes", WEIGHTS, huge_length(0)),
    Damage("a weight is NaN", WEIGHTS, _not_a_number),
    Damage("an unknown key", "config.yaml", _with(weigths=1)),
    Damage("another width", "config.yaml", _with(state_dim=8)),
)
ROBOT = (
    Damage("a bit flipped", "robots/franka.yaml", flipped),
    Damage("cut in half", "robots/franka.yaml", cut),
    Damage("a huge rate", "robots/franka.yaml", _with(control_rate_hz=_HUGE)),
    Damage("home is NaN", "robots/franka.yaml", _arm(home_rad=[float("nan")] * 7)),
    Damage("an unknown key", "robots/franka.yaml", _with(control_rate=120)),
    Damage("another width", "robots/franka.yaml", _arm(home_rad=[0.0] * 6)),
)
BAG = (
    Damage("a bit flipped", "*.mcap", flipped),
    Damage("cut in half", "*.mcap", cut),
    Damage("a record of 2^62 bytes", "*.mcap", huge_length(9)),
    Damage("a rate of NaN", "manifest.json", _with(tick_rate_hz=float("nan"))),
    Damage("an unknown key", "manifest.json", _with(tick_rate=30)),
)
DATASET = (
    Damage("a bit flipped", _TABLE, flipped),
    Damage("cut in half", _TABLE, cut),
    Damage("2^62 rows", "info.json", _with(total_frames=_HUGE)),
    Damage("an unknown key", "segue.json", _with(camera=["head"])),
    Damage("a state is NaN", _TABLE, _state(lambda row: [float("nan"), *row[1:]])),
    Damage("another width", _TABLE, _state(lambda row: row[1:])),
)
DAMAGES: Mapping[str, tuple[Damage, ...]] = {
    "checkpoint": CHECKPOINT,
    "configuration": ROBOT,
    "bag": BAG,
    "dataset": DATASET,
}
