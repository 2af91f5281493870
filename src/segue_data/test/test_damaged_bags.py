"""Damage that people meet: every command says what is wrong and what to do, `repair` keeps what is whole."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus
from segue_data import cli
from segue_data.bags import manifest
from segue_data.bags.folders import find_bags, the_bag
from segue_data.bags.manifest import RECORDING
from segue_data.bags.reader import read
from segue_data.checks.bag import check_bag
from segue_data.recording.stage import Demonstration

Damage = Callable[[Path], object]


def _mcap(bag: Path) -> Path:
    (file,) = bag.glob("*.mcap")
    return file


def _cut(bag: Path) -> None:
    _mcap(bag).write_bytes(_mcap(bag).read_bytes()[:-9_000])


def _flip(bag: Path) -> None:
    data = bytearray(_mcap(bag).read_bytes())
    data[len(data) // 2] ^= 0xFF
    _mcap(bag).write_bytes(data)


SAVED: dict[str, Damage] = {
    "cut": _cut,
    "flipped": _flip,
    "no metadata": lambda bag: (bag / "metadata.yaml").unlink(),
    "metadata that is no text": lambda bag: (bag / "metadata.yaml").write_bytes(b"\xff\xfe\x80"),
    "metadata that is no YAML": lambda bag: (bag / "metadata.yaml").write_text("a: [1, 2\n"),
}
LOST: dict[str, tuple[Damage, str]] = {
    "empty file": (lambda bag: _mcap(bag).write_bytes(b""), "nothing to save (it is empty, 0 bytes)"),
    "no file": (lambda bag: _mcap(bag).unlink(), "no .mcap file, so nothing to save"),
    "no manifest": (lambda bag: (bag / "manifest.json").unlink(), 'write one, at least {"task"'),
    "manifest that is no text": (lambda bag: (bag / "manifest.json").write_bytes(b"\xff"), "not UTF-8"),
    "manifest that is no JSON": (lambda bag: (bag / "manifest.json").write_text("{"), "not JSON"),
    "manifest of other types": (
        lambda bag: (bag / "manifest.json").write_text('{"task": null, "robot": "dual_arm"}'),
        "task: got None",
    ),
}


@pytest.fixture
def folder(recorded: tuple[Path, Demonstration], tmp_path: Path) -> Path:
    """Two bags; the first is to be damaged."""
    for name in ("a", "b"):
        shutil.copytree(recorded[0], tmp_path / "bags" / name)
    return tmp_path / "bags"


@pytest.mark.parametrize("damage", SAVED)
def test_what_is_whole_of_a_damaged_bag_is_saved(
    damage: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(read(folder / "b"))
    SAVED[damage](folder / "a")
    assert cli.main(["check", str(folder)]) == 1
    told = capsys.readouterr().out
    assert f"`segue data repair {folder / 'a'}`" in told and "2 bags checked, 1 with problems" in told
    assert cli.main(["repair", str(folder)]) == 0
    assert "1 repaired, 1 whole already, 0 not repaired" in capsys.readouterr().out
    saved = list(read(folder / "a"))
    changed = [a.topic for a, b in zip(saved, before[: len(saved)], strict=True) if a.data != b.data]
    assert len(saved) > len(before) // 2 and len(changed) == (damage == "flipped")
    facts = manifest.load(folder / "a")
    as_written = len(saved) == len(before) and not changed
    assert facts.complete == as_written == (facts.outcome == "success")
    assert cli.main(["repair", str(folder)]) == 0
    assert "0 repaired, 2 whole already" in capsys.readouterr().out


@pytest.mark.parametrize("damage", LOST)
def test_what_cannot_be_repaired_is_named_with_the_reason(
    damage: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, reason = LOST[damage]
    spoil(folder / "a")
    assert cli.main(["repair", str(folder)]) == 1
    told = capsys.readouterr()
    assert str(folder / "a") in told.err and reason in told.err
    assert "1 whole already, 1 not repaired" in told.out
    assert cli.main(["check", str(folder)]) == 1
    assert f"{folder / 'a'}: " in capsys.readouterr().out


def _halve(bag: Path) -> None:
    data = _mcap(bag).read_bytes()
    _mcap(bag).write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("damage", [_flip, _halve])
def test_the_original_of_a_damaged_file_is_kept_and_named(
    damage: Damage, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder / "a")
    damaged = _mcap(folder / "a").read_bytes()
    assert cli.main(["repair", str(folder / "a")]) == 0
    (kept,) = (folder / "a").glob("*.damaged")
    assert kept.read_bytes() == damaged and kept.name in capsys.readouterr().out
    assert not manifest.load(folder / "a").complete
    assert cli.main(["check", str(folder / "a")]) == 1


def test_where_no_bags_are_the_way_to_them_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"there are some in {folder}"):
        find_bags(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        find_bags(tmp_path / "nowhere")
    with pytest.raises(DataError, match="a file. What to do: give the folder of the bag"):
        find_bags(_mcap(folder / "a"))
    for place in (tmp_path, tmp_path / "nowhere"):
        assert cli.main(["repair", str(place)]) == ExitStatus.DATA
    (tmp_path / RECORDING).mkdir()
    assert cli.main(["repair", str(tmp_path)]) == 0


def test_bags_of_two_robots_make_no_dataset(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "b" / "manifest.json").read_text().replace('"dual_arm"', '"jaco2"')
    (folder / "b" / "manifest.json").write_text(text)
    assert cli.main(["convert", str(folder), str(tmp_path / "set")]) == ExitStatus.DATA
    assert "recorded with robot 'jaco2', the dataset is to be of 'dual_arm'" in capsys.readouterr().err


def _metadata(old: str, new: str) -> Callable[[Path], object]:
    def edit(bag: Path) -> None:
        file = bag / "metadata.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return edit


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            _metadata("storage_identifier: mcap", "storage_identifier: ''"),
            "storage_identifier is '', allowed: mcap",
        ),
        (_metadata("  version: ", "  other: "), "it has no `version`"),
        (_metadata("episode_000007.mcap", "gone.mcap"), "it names gone.mcap, which is not there"),
        (lambda bag: _mcap(bag).write_bytes(_mcap(bag).read_bytes() + b"x"), "does not end as an MCAP file"),
        (
            lambda bag: _mcap(bag).write_bytes(_mcap(bag).read_bytes()[:40]),
            "does not end as an MCAP file.*40 bytes",
        ),
        (lambda bag: _mcap(bag).write_bytes(b""), r"the file is empty \(0 bytes\)"),
        (lambda bag: _mcap(bag).write_bytes(b"text" * 30), "does not begin as a file of mcap"),
    ],
)
def test_what_is_plainly_wrong_with_a_bag_is_said_in_plain_words_with_the_file_and_the_next_step(
    damage: Callable[[Path], object], says: str, recorded: tuple[Path, Demonstration], tmp_path: Path
) -> None:
    bag = tmp_path / "bag"
    shutil.copytree(recorded[0], bag)
    damage(bag)
    (problem,) = check_bag(bag).problems
    assert re.search(rf"(metadata\.yaml|\.mcap): .*{says}.*segue data repair", problem.what), problem.what
    assert not re.search("Error|Exception|unpack", problem.what)


def test_where_one_bag_is_wanted_the_folder_of_a_run_will_do_and_nobody_chooses_between_two(
    tmp_path: Path,
) -> None:
    """`segue replay RUN` asked for a manifest in the run's folder."""
    first, second = (tmp_path / "run" / "bag" / name for name in ("episode_0", "episode_1"))
    first.mkdir(parents=True)
    (first / "metadata.yaml").touch()
    assert the_bag(first) == the_bag(tmp_path / "run") == first
    second.mkdir()
    (second / "metadata.yaml").touch()
    with pytest.raises(DataError, match="2 bags here, and one is wanted.*episode_1"):
        the_bag(tmp_path / "run")
    assert the_bag(second) == second
