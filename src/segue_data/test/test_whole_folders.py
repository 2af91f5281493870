"""Laws of what is written whole or not at all: two processes at once, killed ones, and disks that fill."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.errors import DataError, ErrorCode
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.dataset import load
from segue_data.datasets.dataset_to_bags import export
from segue_data.recording.stage import Demonstration
from segue_data.storage.claimed_folder import claimed

_HOLD = """
import sys, time
from pathlib import Path
from segue_data.storage.claimed_folder import claimed
with claimed(Path(sys.argv[1]), lambda: None) as folder:
    (folder / "half").mkdir()
    (folder / "half" / "file").write_text("x")
    print("has it", flush=True)
    sys.stdin.read()
"""


def _holder(folder: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(folder)], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None and process.stdout.readline() == "has it\n"
    return process


def _never() -> None:
    raise AssertionError("nobody else has it")


def test_what_a_killed_process_left_is_taken_over_and_cleared(tmp_path: Path) -> None:
    process = _holder(tmp_path / "a.partial")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "a.partial/half/file").is_file()
    with claimed(tmp_path / "a.partial", _never) as folder:
        assert not list(folder.iterdir())
        folder.replace(tmp_path / "a")
    assert (tmp_path / "a").is_dir() and not (tmp_path / "a.partial").exists()


def test_a_link_in_the_place_of_a_working_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious" / "letters").mkdir(parents=True)
    (tmp_path / "a.partial").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError), claimed(tmp_path / "a.partial", _never):
        pass
    assert (tmp_path / "precious" / "letters").is_dir()


def test_the_second_waits_until_the_first_is_done_and_says_so_once(tmp_path: Path) -> None:
    process, said, got = _holder(tmp_path / "a.partial"), [], []

    def second() -> None:
        with claimed(tmp_path / "a.partial", lambda: said.append("waits")) as folder:
            got.append(list(folder.iterdir()))

    thread = threading.Thread(target=second)
    thread.start()
    while not said:
        assert thread.is_alive()
    assert not got
    process.communicate("")
    thread.join()
    assert (said, got) == (["waits"], [[]]) and not (tmp_path / "a.partial").exists()


def test_a_conversion_beside_another_into_one_folder_is_refused_and_harms_nothing(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    process = _holder(tmp_path / "set.partial")
    with pytest.raises(DataError, match="another process converts into it") as caught:
        convert([recorded[0]], tmp_path / "set", robot, workers=1, bar=False)
    assert caught.value.code == ErrorCode.DATA_PATH_REFUSED
    assert (tmp_path / "set.partial/half/file").is_file()
    process.communicate("")
    convert([recorded[0]], tmp_path / "set", robot, workers=1, bar=False)
    assert len(load(tmp_path / "set", bar=False).action) and not (tmp_path / "set.partial").exists()


_LIMITED = """
import resource, sys
from pathlib import Path
from segue_core.errors import SegueError
from segue_data.datasets import {module}
from segue_data.contracts import load_robot
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
try:
    {call}
except SegueError as error:
    print(int(error.code), error.text)
"""
_CONVERT = (
    "bags_to_dataset.convert([Path(sys.argv[1])], Path(sys.argv[2]), load_robot('dual_arm'), workers=1)"
)


def _on_a_full_disk(module: str, call: str, limit: int, *paths: Path) -> str:
    script = _LIMITED.format(module=module, call=call, limit=limit)
    words = [sys.executable, "-c", script, *map(str, paths)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout


def test_a_disk_that_fills_leaves_nothing_of_a_dataset_or_label_and_is_named(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    said = _on_a_full_disk("bags_to_dataset", _CONVERT, 100_000, recorded[0], tmp_path / "set")
    assert said.startswith(f"403 {tmp_path / 'set'}: cannot be written: File too large"), said
    assert not list(tmp_path.iterdir())
    convert([recorded[0]], tmp_path / "set", robot, workers=1, bar=False)
    call = "label_files.write_labels(Path(sys.argv[1]), 'tokens')"
    said = _on_a_full_disk("label_files", call, 500, tmp_path / "set")
    assert said.startswith(f"403 {tmp_path / 'set/labels'}: cannot be written"), said
    assert not list((tmp_path / "set/labels").iterdir())


_SAVE = """corrections.save(
        Path(sys.argv[1]),
        [corrections.Correction(*(__import__("numpy").zeros((40, 40), dtype="float32") for _ in range(4)))] * 9,
        corrections.CorrectionsInfo(("a",), {}, 1, 1, {}),
    )"""


def test_a_disk_that_fills_leaves_nothing_of_corrections(tmp_path: Path) -> None:
    said = _on_a_full_disk("corrections", _SAVE, 20_000, tmp_path / "out")
    assert said.startswith(f"403 {tmp_path / 'out.partial'}: 58 kB for images.npy cannot be written"), said
    assert not list(tmp_path.iterdir())


_REPAIR = "__import__('segue_data.bags.repair', fromlist=['repair']).repair(Path(sys.argv[1]))"


def test_a_repair_that_a_full_disk_refuses_says_how_much_is_needed_and_free_and_changes_nothing(
    recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    """It said that 0 MB were needed."""
    bag = shutil.copytree(recorded[0], tmp_path / "bag")
    file = next(bag.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-400])
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    said = _on_a_full_disk("bags_to_dataset", _REPAIR, 5_000, bag)
    needed = f"{file.stat().st_size / 1e3:.0f} kB are needed to keep the original of {file.name}, "
    assert said.startswith(f"403 {bag}: {needed}") and "B are free: File too large" in said
    assert {path.name: path.read_bytes() for path in bag.iterdir()} == before


_WRITE = """
import sys
from pathlib import Path
from segue_data.storage.atomic import write_text
from segue_data.datasets.label_files import label_of, write_labels
dataset, text = map(Path, sys.argv[1:])
sys.stdin.read()
for _ in range(20):
    write_labels(dataset, "progress")
    label_of(dataset, "progress")
    write_text(text, "x" * 100_000)
    assert len(text.read_text()) == 100_000
"""


def test_labels_and_texts_that_many_write_at_once_are_whole(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    convert([recorded[0]], tmp_path / "set", robot, workers=1, bar=False)
    words = [sys.executable, "-c", _WRITE, str(tmp_path / "set"), str(tmp_path / "text")]
    writers = [subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for writer in writers:  # begin together
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.stderr.read() for writer in writers if writer.stderr] == [b"", b""]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(path.suffix for path in (tmp_path / "set/labels").iterdir()) == [".json", ".parquet"]
    assert not list(tmp_path.glob("*.part"))


_SLOWLY = """
import sys, time
from segue_data import cli
from segue_data.datasets import bags_to_dataset
def never_done(*_):
    print("writes", flush=True)
    time.sleep(60.0)
bags_to_dataset.write_meta = never_done
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_whoever_asks_a_conversion_to_end_leaves_nothing_half_written(
    kind: signal.Signals, recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    words = [sys.executable, "-c", _SLOWLY, "convert", str(recorded[0]), str(tmp_path / "set")]
    pipe = subprocess.PIPE
    process = subprocess.Popen([*words, "--robot", "dual_arm"], stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writes\n"
    assert (tmp_path / "set.partial").is_dir()
    process.send_signal(kind)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, list(tmp_path.iterdir())) == (130, []), said
    assert "interrupted" in said and "Traceback" not in said


_KILLED = """
import os, signal, sys
from pathlib import Path
from segue_data.datasets import dataset_to_bags
dataset_to_bags.messages.robot_command = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
dataset_to_bags.export(Path(sys.argv[1]), Path(sys.argv[2]), None, workers=1, bar=False)
"""


def test_an_export_after_one_that_was_killed_begins_anew(
    recorded: tuple[Path, Demonstration], robot: RobotConfig, tmp_path: Path
) -> None:
    """It was refused for the episode that the killed one had left open, and sent one to the repair."""
    dataset, bags = tmp_path / "set", tmp_path / "bags"
    convert([recorded[0]], dataset, robot, workers=1, bar=False)
    script = [sys.executable, "-c", _KILLED, str(dataset), str(bags)]
    assert subprocess.run(script, check=False).returncode == -signal.SIGKILL
    assert [path.name for path in bags.iterdir()] == [".export.partial"]
    assert export(dataset, bags, None, workers=1, bar=False) == 1
    assert [path.name for path in bags.iterdir()] == ["episode_000000"]
