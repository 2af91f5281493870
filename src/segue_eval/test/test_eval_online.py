"""Laws of `segue finetune`: what is there is not done again, and what nobody can learn from is refused."""

from __future__ import annotations

import csv
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue_core.errors import ConfigError, DataError
from segue_eval.cli import main
from segue_eval.online.command import read_scores, run_finetune
from segue_eval.settings import FinetuneOptions
from segue_policies.estimator_loading import check_estimator
from segue_policies.samples.rollouts import Rollout, load_rollout, save_rollout
from segue_policies.testing.dots import make_dots
from segue_policies.testing.hasty_estimator import write_hasty_estimator

TOLD = make_dots(1).instruction(0)


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hasty_estimator(tmp_path_factory.mktemp("progress") / "hasty")


def episode(*, success: bool = True) -> Rollout:
    data, ticks = make_dots(1), np.arange(0, 12, 6)
    return Rollout(data.images[ticks], data.state[ticks], ticks, 12, 30.0, success, TOLD)


def options(out: Path, estimator: Path, **changes: object) -> FinetuneOptions:
    given = {
        "policy": "hold",
        "progress": str(estimator),
        "seeds": "110000:110006",
        "rounds": 2,
        "time_limit_s": 0.5,
    }
    quick = {"workers": 1, "quiet": True, "learn": {"steps": 1}}
    return FinetuneOptions.model_validate(given | quick | {"out": out} | changes)


def test_what_was_rolled_out_is_learned_from_round_by_round_and_not_done_again(
    estimator: Path, tmp_path: Path
) -> None:
    for seed in range(6):
        save_rollout(tmp_path / f"rounds/{seed // 3}/episodes/{110000 + seed}.npz", episode())
    assert run_finetune(options(tmp_path, estimator)) == 0
    info = check_estimator(tmp_path)
    assert TOLD in info.instructions and "(1 demonstrations)" in info.promise
    with (tmp_path / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["round"] for row in rows] == ["1", "2"] and rows[0]["success"] == "1.0"
    assert (tmp_path / "curves.png").is_file()
    for file in tmp_path.rglob("*.npz"):
        file.unlink()
    assert run_finetune(options(tmp_path, estimator)) == 0, "nothing is rolled out again"
    with pytest.raises(DataError, match="another setup"):
        run_finetune(options(tmp_path, estimator, learn={"steps": 2}))


def test_a_policy_that_never_succeeds_teaches_nothing_and_its_episodes_are_kept(
    estimator: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"too few episodes succeeded.*0 of 1.*more seeds"):
        run_finetune(options(tmp_path, estimator, seeds="110000:110001", rounds=1))
    kept = load_rollout(tmp_path / "rounds/0/episodes/110000.npz")
    assert kept.ticks.tolist() == [0, 6, 12] and kept.images.shape == (3, 3, 40, 48, 3)
    assert not kept.success and kept.last_tick == 15


def test_what_learns_nothing_from_episodes_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetune", "--task", "drawer", "--out", str(tmp_path / "finer"), "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert "method 'legato' learns nothing from its own episodes" in said and "progress_vla" in said
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="rolled out again"):
        load_rollout(damaged)
    save_rollout(damaged, episode())
    assert load_rollout(damaged).instruction == TOLD


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ticks": np.array([0, 6, 9])}, "length"),
        ({"ticks": np.array([6, 0])}, "rising from 0"),
        ({"last_tick": 3}, "rising from 0 to at most last_tick"),
        ({"state": np.full((2, 4), np.nan, np.float32)}, "state: got"),
        ({"images": np.zeros((2, 1, 4, 4, 3), np.float32)}, "images: got float32"),
        ({"success": np.array("no")}, "success: got <U2"),
        ({"rate_hz": np.nan}, "rate_hz: got nan"),
    ],
)
def test_a_rollout_that_no_episode_leaves_is_refused_by_what_is_wrong(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    save_rollout(tmp_path / "7.npz", replace(episode(), **changes))
    with pytest.raises(DataError, match=f"7.npz.*{said}"):
        load_rollout(tmp_path / "7.npz")


def test_a_rollout_with_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    """Where the bit was in the compressed numbers the exception was zlib's own."""
    file = tmp_path / "7.npz"
    save_rollout(file, episode())
    whole = file.read_bytes()
    for place in range(0, len(whole), 97):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with suppress(DataError):
            load_rollout(file)


@pytest.mark.parametrize("text", ["{", "[]", '{"success": "yes"}', '{"other": 1.0}', "{}"])
def test_scores_that_no_round_wrote_are_refused_by_their_file(text: str, tmp_path: Path) -> None:
    """They ended the command after its last round in a KeyError."""
    first, second = tmp_path / "0.json", tmp_path / "1.json"
    first.write_text('{"success": 1.0}')
    second.write_text(text)
    with pytest.raises(DataError, match=r"1\.json") as refused:
        read_scores([first, second])
    assert "its round is learned again" in refused.value.next_step
