"""Laws of decoded pictures: taken only when complete, decoded once, kept where the user may write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from foreign_sets import SIZE, frames_of, write_foreign

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode
from segue_core.exit_status import ExitStatus, exit_status
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.adopt import adopt
from segue_data.datasets.dataset import load
from segue_data.datasets.picture_cache import VARIABLE, cached
from segue_data.datasets.writer import ConversionOptions, EpisodeJob, write_arrays


@pytest.fixture
def dataset(robot: RobotConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    path = write_foreign(tmp_path / "ds", robot, frames_of(robot))
    adopt(path, robot)
    return path


def _images(path: Path, cache: Path | None = None) -> np.ndarray:
    return np.array(load(path, workers=1, bar=False, cache=cache).images)


def _only(path: Path) -> Path:
    (folder,) = path.iterdir()
    return folder


_LOAD = """
import sys
import numpy as np
from segue_data.datasets.dataset import load
sys.stdin.read()
np.save(sys.argv[2], load(sys.argv[1], bar=False, workers=1).images)
"""


def test_processes_that_open_a_fresh_dataset_together_all_see_its_pictures(
    dataset: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / f"{number}.npy" for number in range(3)]
    words = [[sys.executable, "-c", _LOAD, str(dataset), str(out)] for out in outs]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(line, stdin=pipe, stderr=pipe, text=True) for line in words]
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
    said = [process.stderr.read() for process in running if process.stderr]
    assert [process.wait() for process in running] == [0, 0, 0], said
    wanted = _images(dataset, tmp_path / "alone")
    for out in outs:
        np.testing.assert_array_equal(np.load(out), wanted)
    assert sorted(file.name for file in _only(dataset / ".cache").iterdir() if file.suffix == ".json") == [
        "complete.json"
    ]


_SLOW = """
import sys
from pathlib import Path
from segue_data.datasets.picture_cache import cached
def build(folder):
    (folder / "images.npy").write_bytes(b"half")
    print("half", flush=True)
    sys.stdin.read()
    (folder / "images.npy").write_bytes(b"whole")
cached(Path(sys.argv[1]), "files-view", build)
"""


def _slow(dataset: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _SLOW, str(dataset)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "half\n"
    return process


def _whole(folder: Path) -> None:
    (folder / "images.npy").write_bytes(b"mine")


def test_the_second_waits_says_so_and_takes_what_the_first_made(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = _slow(tmp_path)
    words = [sys.executable, "-c", _SLOW, str(tmp_path)]
    second = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stderr is not None
    assert second.stderr.readline() == f"waiting for another process that decodes {tmp_path}\n"
    process.communicate("")
    assert second.communicate()[0] == "" and second.returncode == 0  # it built nothing
    assert (cached(tmp_path, "files-view", _whole) / "images.npy").read_bytes() == b"whole"


def test_what_a_killed_process_left_is_never_taken(tmp_path: Path) -> None:
    process = _slow(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / ".cache/files-view.partial/images.npy").read_bytes() == b"half"
    folder = cached(tmp_path, "files-view", _whole)
    assert (folder / "images.npy").read_bytes() == b"mine"
    assert [left.name for left in (tmp_path / ".cache").iterdir()] == ["files-view"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "images.npy").write_bytes(b"half")
        raise DataError(ErrorCode.DATA_DATASET_INVALID, "corrupt")

    with pytest.raises(DataError):
        cached(tmp_path, "files-view", fail)
    assert not list((tmp_path / ".cache").iterdir())


@pytest.mark.parametrize("damage", ["cut", "zeroed", "gone", "unmarked", "old"])
def test_a_damaged_or_unmarked_cache_is_decoded_again(
    damage: str, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = _images(dataset)
    folder = _only(dataset / ".cache")
    images = folder / "images.npy"
    if damage == "cut":
        os.truncate(images, images.stat().st_size // 2)
    elif damage == "zeroed":
        np.lib.format.open_memmap(images, mode="r+")[3:] = 0
    elif damage == "gone":
        (folder / "state.npy").unlink()
    elif damage == "unmarked":
        (folder / "complete.json").unlink()
    else:  # as versions before this wrote it, some of it black
        folder = folder.rename(folder.with_name(folder.name.split("-")[0]))
        (folder / "complete.json").unlink()
    np.testing.assert_array_equal(_images(dataset), wanted)
    assert ("is damaged or incomplete" in capsys.readouterr().err) == (damage != "old")
    assert len(list((dataset / ".cache").iterdir())) == 1


def test_caches_of_two_sizes_stand_side_by_side_and_those_of_changed_files_go(
    dataset: Path, robot: RobotConfig
) -> None:
    _images(dataset)
    whole = _only(dataset / ".cache")
    (dataset / layout.OURS).unlink()
    adopt(dataset, robot, (SIZE[0] // 2, SIZE[1] // 2))
    assert _images(dataset).shape[2:4] == (SIZE[1] // 2, SIZE[0] // 2)
    assert whole.is_dir() and len(list((dataset / ".cache").iterdir())) == 2
    frames = frames_of(robot, seed=1)
    write_foreign(dataset, robot, frames)
    adopt(dataset, robot)
    np.testing.assert_array_equal(_images(dataset), np.concatenate([episode.images for episode in frames]))
    assert not whole.is_dir() and len(list((dataset / ".cache").iterdir())) == 1


def test_folders_of_others_beside_the_kept_pictures_stay(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "precious" / "letters").mkdir(parents=True)
    shutil.rmtree(dataset / ".cache", ignore_errors=True)
    (dataset / ".cache").symlink_to(tmp_path / "precious")
    _images(dataset)
    assert (tmp_path / "precious" / "letters").is_dir()


@pytest.mark.parametrize("leads_to", ["nowhere", "file-000.parquet"])
def test_a_file_of_a_dataset_that_is_a_link_to_nothing_is_named(leads_to: str, dataset: Path) -> None:
    file = dataset / "data/chunk-000/file-000.parquet"
    file.unlink()
    file.symlink_to(leads_to)
    with pytest.raises(DataError, match=r"file-000\.parquet"):
        load(dataset)


def test_a_changed_video_is_decoded_again(robot: RobotConfig, tmp_path: Path) -> None:
    frames = frames_of(robot, (4,))
    path = write_foreign(tmp_path / "ds", robot, frames, videos=True)
    adopt(path, robot)
    before = _images(path)
    options, bright = ConversionOptions(size=SIZE, videos=True), frames_of(robot, (4,), seed=0)[0]
    bright.images[:] = 255 - bright.images
    write_arrays(EpisodeJob(Path("x"), tmp_path / "new", 0, "t", 0, 0, 0, 4), robot, options, bright)
    shutil.copytree(tmp_path / "new/videos", path / "videos", dirs_exist_ok=True)
    assert np.abs(_images(path).astype(float) - before).mean() > 20


def test_where_the_dataset_cannot_be_written_the_users_own_cache_is_taken_and_named(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (dataset / ".cache").write_text("no folder can be made here, whoever asks")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    first = _images(dataset)
    own = _only(tmp_path / "xdg/segue")
    said = capsys.readouterr().err
    assert said == f"{dataset} cannot be written: its pictures are decoded into {own}\n"
    np.testing.assert_array_equal(_images(dataset), first)
    assert capsys.readouterr().err == "" and len(list(own.iterdir())) == 1
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    _images(dataset)
    assert _only(tmp_path / "home/.cache/segue").name == own.name


def test_the_cache_goes_where_it_is_asked_for_and_nowhere_else(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "set"))
    _images(dataset)
    _images(dataset, tmp_path / "given")
    assert capsys.readouterr().err == "" and not (dataset / ".cache").exists()
    assert _only(tmp_path / "set").name == _only(tmp_path / "given").name
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DataError, match=rf"{dataset}: no place for its decoded pictures: .*file/.*cache=DIR"
    ) as caught:
        _images(dataset, tmp_path / "file")
    assert exit_status(caught.value) == ExitStatus.ENVIRONMENT


_FULL = """
import resource, sys
from segue_core.errors import SegueError
from segue_data.datasets.dataset import load
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    load(sys.argv[1], bar=False, workers=1)
except SegueError as error:
    print(int(error.code), error.text)
"""


def test_a_full_disk_is_said_before_a_picture_is_decoded_and_leaves_nothing(dataset: Path) -> None:
    """Writing to a memory map without room would end the process by SIGBUS."""
    ran = subprocess.run(
        [sys.executable, "-c", _FULL, str(dataset)], capture_output=True, text=True, check=False
    )
    assert ran.stdout.startswith("403 ") and "images.npy cannot be written: File too large" in ran.stdout, (
        ran.stderr
    )
    assert not list((dataset / ".cache").iterdir())
