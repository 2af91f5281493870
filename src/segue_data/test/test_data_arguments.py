"""Words of `segue data` that cannot be meant are refused with what is allowed, before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segue_core.command_line.models import settings_of
from segue_core.command_line.verb import Chosen, choose
from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus
from segue_data import commands
from segue_data.cli import main
from segue_data.contracts import load_robot, names
from segue_data.datasets import dataset, synthetic
from segue_data.settings import RecordOptions
from segue_data.verbs import VERBS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["record", "--out", "o", "--seeds", "50:0"], "seeds; got '50:0'; expected FIRST:END"),
        (["record", "--out", "o", "--seeds", "-3"], "seeds; got '-3'; expected FIRST:END"),
        (["convert", "b", "o", "--workers", "0"], "--workers; got 0; expected 1 to 1024"),
        (["convert", "b", "o", "--size", "224"], "got '224'; expected WIDTHxHEIGHT"),
        (["convert", "b", "o", "--size", "0x72"], "got '0x72'; expected WIDTHxHEIGHT"),
        (["show", "b", "--columns", "0"], "--columns; got 0; expected 1 to 1000"),
        (["split", "d", "--validation", "10"], "--validation; got 10; expected 0 to 1"),
        (["label", "d", "tokens", "--settings", "{bins: 3}"], "got '{bins: 3}'; expected a mapping in JSON"),
        (["label", "d", "tokens", "--settings", "[3]"], "got '[3]'; expected a mapping in JSON"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitStatus.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["check"], ["info"], ["show"], ["repair"]])
def test_a_command_does_not_advise_itself_for_a_place_where_nothing_is(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`data check /nonexist` advised `data check`."""
    assert main([words[0], str(tmp_path / "nothing"), *words[1:]]) != ExitStatus.SUCCESS
    said = capsys.readouterr().err
    assert "What to do: give " in said and "segue data" not in said.split("What to do:")[1]


def test_help_says_a_default_as_it_is_written() -> None:
    """`data record --help` printed fifty seeds."""
    (seeds,) = (one for one in settings_of(RecordOptions) if one.key == "seeds")
    assert seeds.default == "0:50"
    assert parsed("record", "--out", "o").seeds == tuple(range(50))


def parsed(*words: str) -> Any:
    chosen = choose(words, VERBS, "segue data")
    assert isinstance(chosen, Chosen)
    return chosen.options(names)


def test_the_size_of_pictures_that_is_asked_for_reaches_the_conversion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def convert(*_: Any, options: Any, **__: Any) -> int:
        asked.append(options.size)
        return 0

    monkeypatch.setattr("segue_data.datasets.bags_to_dataset.convert", convert)
    monkeypatch.setattr("segue_data.bags.folders.find_bags", lambda path: [path])
    for words in (["--size", "224x168"], []):
        commands.convert(parsed("convert", str(tmp_path), "out", "--robot", "dual_arm", *words))
    assert asked == [(224, 168), (96, 72)]


def test_a_dataset_of_large_pictures_is_read_as_large(tmp_path: Path) -> None:
    synthetic.write_synthetic(tmp_path / "set", load_robot("dual_arm"), [4], size=(128, 96))
    assert dataset.load(tmp_path / "set").images.shape[2:] == (96, 128, 3)


def test_what_shows_bags_says_so_of_a_dataset(tmp_path: Path) -> None:
    synthetic.write_synthetic(tmp_path / "set", load_robot("dual_arm"), [4])
    for words in (["--rerun", "a.rrd"], ["--foxglove", "a.json"]):
        with pytest.raises(DataError, match=r"a dataset; Foxglove and Rerun show bags.*segue data export"):
            commands.show(parsed("show", str(tmp_path / "set"), *words))
