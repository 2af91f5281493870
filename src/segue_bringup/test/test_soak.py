"""Laws of `segue soak`: how long is said in words, what came of it in a table, a page and a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segue_bringup import cli
from segue_bringup.run.soak import PAGE, duration_s
from segue_core.errors import ConfigError
from segue_core.exit_status import ExitStatus


@pytest.mark.parametrize(("text", "seconds"), [("10", 600.0), ("90s", 90.0), ("1.5m", 90.0), ("2h", 7200.0)])
def test_a_time_is_minutes_unless_it_says_otherwise(text: str, seconds: float) -> None:
    assert duration_s(text, "--live") == seconds


@pytest.mark.parametrize("text", ["0", "-5", "soon", "5d", "", "1h30m", "100000h", "9" * 400])
def test_what_is_no_time_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(ConfigError, match="--live; got .*; expected minutes, or a number with s, m or h"):
        duration_s(text, "--live")


def test_episodes_in_lockstep_leave_table_page_and_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "soak --lockstep 0.1s robot:=franka task:=push_button policy:=scripted time_limit_s:=1"
    files = ["--out", str(tmp_path), "--json", str(tmp_path / "soak.json")]
    assert cli.main([*words.split(), *files]) == ExitStatus.SUCCESS
    told = json.loads((tmp_path / "soak.json").read_text())
    assert (told["soak"], told["episodes"], told["failed"], told["grows"]) == ("lockstep", 1, 0, [])
    assert told["processes"]["this process"]["rss_mb"] > 50.0 and told["ticks"] > 10
    assert "1 episodes" in capsys.readouterr().out
    assert len(list(tmp_path.glob(f"*/{PAGE}"))) == 1
