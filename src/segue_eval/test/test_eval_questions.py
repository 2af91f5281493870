"""A paper's questions on the plane with a camera: its world and demonstrations, and from training to verdict."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segue_core.errors import ConfigError
from segue_eval.claims import Verdict
from segue_eval.synthetic.carrying import CARRYING, INSIDE, CarryingPlant, demonstrations
from segue_eval.synthetic.questions import PAPERS, Answer, main, read_questions, verdicts


def test_demonstrations_carry_the_red_dot_to_the_blue_one_and_have_keyframes_there() -> None:
    data = demonstrations(12, 0)
    plant = CarryingPlant()
    for episode in range(12):
        plant.reset(1_000_000 + episode)
        for action in data.action[data.episode == episode]:
            plant.execute(action.astype(np.float64), 0)
        assert plant.task_state().success
    found = data.label("keyframes")["keyframe"]
    assert {int(found[data.episode == episode].sum()) for episode in range(12)} <= {
        3,
        4,
    }  # closes, opens, ends
    assert data.action.shape[1] == CARRYING.dim and data.images.shape[1:] == (1, 24, 24, 3)


def test_extrapolation_has_both_dots_outside_of_the_square_of_the_demonstrations() -> None:
    for seed in range(50):
        inside, outside = CarryingPlant("inside"), CarryingPlant("outside")
        for plant in (inside, outside):
            plant.reset(seed)
        assert max(np.abs(inside.red).max(), np.abs(inside.blue).max()) <= INSIDE
        assert min(np.abs(outside.red).max(), np.abs(outside.blue).max()) > INSIDE


def test_a_verdict_rests_on_the_trainings_and_not_on_their_episodes() -> None:
    asked = read_questions("chain_of_action", ("chain", "act"))
    assert [claim.id for claim in asked.claims] == ["act"]
    shares = {"chain": (80.0, 90.0, 85.0), "act": (30.0, 40.0, 38.0)}
    found = [
        Answer(cell, place, seed, {"success": share if place == "inside" else 0.0})
        for cell, each in shares.items()
        for seed, share in enumerate(each)
        for place in asked.places
    ]
    inside, outside = verdicts(asked.claims, found)
    assert inside.verdict is Verdict.REPRODUCED and inside.statistics["n"] == 3
    assert outside.verdict is Verdict.INCONCLUSIVE
    one = verdicts(asked.claims, [answer for answer in found if answer.training_seed == 0])
    assert one[0].verdict is Verdict.INCONCLUSIVE  # however large the difference
    with pytest.raises(ConfigError, match="unknown cell 'chian'"):
        read_questions("chain_of_action", ("chian",))
    with pytest.raises(ConfigError, match="unknown paper 'lingbot' .did you mean 'lingbot_va'"):
        read_questions("lingbot")


@pytest.mark.parametrize(
    ("paper", "cells", "said"),
    [
        ("chain_of_action", "act_keyframe,act", "A keyframe does not make ACT worse, outside: inconclusive"),
        (
            "action_stream",
            "imitation_2,alignment_2",
            "at H = 2 alignment does not lose, inside: inconclusive",
        ),
        ("progress_vla", "unguided,guided", "guidance does not cost success, inside: inconclusive"),
        (
            "lingbot_va",
            "synchronous,grounded",
            "stopping to think takes 1.6 times as long, inside: inconclusive",
        ),
    ],
)
def test_the_questions_are_asked_from_the_training_to_the_table(
    paper: str, cells: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With so few steps nothing is learned; that one training begins with another is seen."""
    file = tmp_path / "answers.json"
    words = [
        paper,
        "steps=2",
        "demonstrations=12",
        "episodes=1",
        "training_seeds=1",
        f"only={cells}",
        f"json={file}",
    ]
    assert main(words) == 0
    assert said in capsys.readouterr().out
    places = read_questions(paper).places
    assert len(json.loads(file.read_text())["answers"]) == 2 * len(places)


def test_every_paper_asks_of_cells_that_it_has() -> None:
    for file in PAPERS.glob("*.yaml"):
        asked = read_questions(file.stem)
        cells = {cell.id for cell in asked.cells}
        assert {name for claim in asked.claims for name in (claim.first, claim.second)} <= cells, file.stem
        assert {claim.metric for claim in asked.claims} <= set(asked.columns), file.stem
