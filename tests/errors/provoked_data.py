"""400s: recordings, conversion, datasets."""

from pathlib import Path

from segue_core.errors import ErrorCode
from segue_data.bags.folders import find_bags
from segue_data.bags.manifest import Manifest
from segue_data.bags.reader import read
from segue_data.contracts import load_robot
from segue_data.datasets.bag_to_rows import read_episode
from segue_data.datasets.episodes import open_dataset
from segue_data.recording.session import RecordingSession
from segue_data.testing import TEXT_TOPICS, text_message

from .provoking import provokes

FACTS = Manifest(task="", robot="dual_arm")


def _session(root: Path, min_free_bytes: int = 1) -> RecordingSession:
    return RecordingSession(root, TEXT_TOPICS, FACTS, min_free_bytes=min_free_bytes, on_event=print)


@provokes(ErrorCode.DATA_RECORDING_ACTIVE, "first", "is being recorded")
def a_second_episode_at_once(folder: Path) -> None:
    session = _session(folder)
    session.start("first", "pick_place", 0)
    try:
        session.start("second", "pick_place", 0)
    finally:
        session.stop("success", discard=True)


@provokes(ErrorCode.DATA_NOT_RECORDING, "no episode is being recorded")
def an_end_without_a_beginning(folder: Path) -> None:
    _session(folder).stop("success")


@provokes(ErrorCode.DATA_DISK, "FOLDER: too little space", "got ", "expected ")
def a_disk_without_room(folder: Path) -> None:
    _session(folder, min_free_bytes=2**62).start("one", "pick_place", 0)


@provokes(ErrorCode.DATA_BAG_CORRUPT, "FOLDER/one", "metadata.yaml")
def metadata_that_is_no_text(folder: Path) -> None:
    bag = _recorded(folder)
    (bag / "metadata.yaml").write_bytes(b"\xff\xfe\x80")
    list(read(bag))


@provokes(ErrorCode.DATA_BAG_INCOMPLETE, "FOLDER", "no bag (a folder with metadata.yaml)")
def a_folder_without_a_bag(folder: Path) -> None:
    find_bags(folder)


@provokes(ErrorCode.DATA_DATASET_INVALID, "FOLDER", "info.json")
def a_folder_that_is_no_dataset(folder: Path) -> None:
    (folder / "meta").mkdir()
    (folder / "meta" / "info.json").write_text("{}", encoding="utf-8")
    open_dataset(folder)


@provokes(ErrorCode.DATA_CONVERSION, "FOLDER/one", "/segue/command")
def a_recording_in_which_nobody_commanded(folder: Path) -> None:
    read_episode(_recorded(folder), load_robot("dual_arm"), lambda joints: joints, None)


@provokes(ErrorCode.DATA_PATH_REFUSED, "episode name", "got '../up'", "expected a plain folder name")
def a_name_that_leads_out_of_the_root(folder: Path) -> None:
    _session(folder).start("../up", "pick_place", 0)


def _recorded(folder: Path) -> Path:
    """A finished bag of a single text."""
    session = _session(folder)
    bag = session.start("one", "pick_place", 0)
    session.write("/text", 1, text_message(1, 10))
    session.stop("success")
    return bag
