"""Files made by somebody who wants harm: nothing is executed, given memory, or written outside of its folder."""

import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mcap.data_stream import RecordBuilder
from mcap.records import Chunk, Header

from segue_core.errors import ConfigError, DataError, PerceptionError, PolicyError, SegueError
from segue_data.bags.mcap_scan import MAGIC, scan
from segue_data.bags.reader import read
from segue_data.contracts import load_robot
from segue_data.datasets import corrections
from segue_eval.corrections import gather
from segue_perception.colours import decompressed
from segue_policies.checkpoints.checkpoint import CONFIG, load_checkpoint
from segue_policies.networks.resnet import ResNet, load_weights
from segue_policies.training import run_state
from segue_policies.training.command.policy_set import stages

from .checkpoints import _flow, _trained
from .datasets import _corrections

MEGABYTES = 64


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


def _refused(read_it: Callable[[], object], kind: type[SegueError], text: str = "") -> None:
    """It is refused, and little memory was asked for on the way."""
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=text):
            read_it()
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()


def test_pickles_are_executed_nowhere(tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    weights = tmp_path / "net.pth"
    torch.save({"conv1.weight": Bomb(mark)}, weights)
    _refused(lambda: load_weights(ResNet("resnet18", 4, "group"), weights), PolicyError, "net.pth")
    weights.write_bytes(pickle.dumps(Bomb(mark)))
    _refused(lambda: load_weights(ResNet("resnet18", 4, "group"), weights), PolicyError, "net.pth")

    _corrections(tmp_path / "corrections")
    objects = np.array([Bomb(mark)], dtype=object)
    np.save(tmp_path / "corrections" / "action.npy", objects, allow_pickle=True)
    _refused(lambda: corrections.load(tmp_path / "corrections"), DataError, "corrections")
    with zipfile.ZipFile(_part(tmp_path), "w") as made, made.open("images.npy", "w") as file:
        np.lib.format.write_array(file, objects, allow_pickle=True)
    _refused(lambda: gather(tmp_path, tmp_path / "out", [3], _about()), DataError, "3.npz")

    folder = _flow(tmp_path / "checkpoint")
    tag = f"!!python/object/apply:os.mkdir [{mark}]"
    (folder / CONFIG).write_text(f"method: {tag}\n")
    _refused(lambda: load_checkpoint(folder, "legato"), PolicyError, CONFIG)
    assert not mark.exists()


def _part(folder: Path) -> Path:
    (folder / "episodes").mkdir()
    return folder / "episodes" / "3.npz"


def _about() -> corrections.CorrectionsInfo:
    return corrections.CorrectionsInfo(("head",), load_robot("dual_arm").action_space.to_dict(), 1, 1, {})


def test_lengths_beyond_the_file_take_no_memory(tmp_path: Path) -> None:
    for length in (2**31, 2**60, 2**64 - 1):
        run_state.save_state(tmp_path, _trained(), {"step": 1})
        (tensors,) = tmp_path.glob(f"*.{run_state.TENSORS}")
        tensors.write_bytes(length.to_bytes(8, "little") + b"{}")
        _refused(lambda: run_state.load_state(tmp_path, _trained()), PolicyError, "cannot resume")


def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_decoded() -> None:
    png = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 2**20, 2**20, 8, 2, 0, 0, 0)
        + bytes(64)
    )
    jpeg = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65_535, 65_535, 3) + bytes(64)
    for data in (png, jpeg):
        _refused(lambda data=data: decompressed(data), PerceptionError, "size; got")


def test_a_chunk_that_says_it_is_huge_takes_no_memory(tmp_path: Path) -> None:
    """What a decompressor is told to make room for is what the chunk says, not what is in it."""
    for compression in ("zstd", "lz4", ""):
        builder = RecordBuilder()
        Header(profile="ros2", library="").write(builder)
        said = {
            "uncompressed_crc": 0,
            "uncompressed_size": 2**60,
            "message_start_time": 0,
            "message_end_time": 1,
        }
        Chunk(compression=compression, data=b"\x28\xb5\x2f\xfd" + bytes(20), **said).write(builder)
        file = tmp_path / f"{compression or 'none'}.mcap"
        file.write_bytes(MAGIC + builder.end())
        tracemalloc.start()
        assert scan(file).torn
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
        tracemalloc.stop()


@pytest.mark.parametrize("away", ["../away.mcap", "/etc/passwd", "a/../../away.mcap"])
def test_a_bag_names_no_file_outside_of_it(away: str, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    bag.mkdir()
    (tmp_path / "away.mcap").write_bytes(MAGIC)
    facts = {
        "version": 9,
        "storage_identifier": "mcap",
        "relative_file_paths": [away],
        "topics_with_message_count": [],
    }
    (bag / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": facts}))
    _refused(lambda: list(read(bag)), DataError, "bag")


@pytest.mark.parametrize("name", ["../away", "/away", "a/b", "..", "{task}/../../away"])
def test_a_set_trains_into_no_folder_outside_of_its_own(name: str, tmp_path: Path) -> None:
    settings = {"first": {}, "then": {}, "policies": {name: {}}}
    with pytest.raises(ConfigError, match="plain folder name"):
        stages(settings, "set.yaml", "pick_place", tmp_path)
