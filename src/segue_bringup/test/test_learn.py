"""Laws of `segue learn`: how it divides its time, goes on, and reports; the stages are the real commands or doubles."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_bringup.learn.budget import BATCH, EVALUATION, RECORDING, next_batch, training_minutes
from segue_bringup.learn.card import table
from segue_bringup.learn.journal import FILE, Journal
from segue_bringup.learn.lesson import Interrupted, Lesson, read_outcome, teach
from segue_bringup.learn.settings import LearnOptions
from segue_core.contracts.base import parse_model
from segue_core.errors import ConfigError, DataError, ErrorCode, PolicyError
from segue_core.exit_status import ExitStatus
from segue_data.contracts import load_robot


@given(st.integers(1, 500), st.integers(2, 500), st.floats(1, 1e5), st.floats(60, 1e5))
def test_recording_stays_within_its_share_and_its_number(
    there: int, most: int, used: float, whole: float
) -> None:
    more = next_batch(there, most, used, whole)
    assert 0 <= more <= BATCH and (more == 0 or there + more <= most)
    assert more == 0 or used * (there + more) / there <= RECORDING * whole * 1.0001


@given(st.floats(0, 1e5), st.floats(60, 1e5))
def test_training_leaves_time_to_evaluate_and_is_never_nothing(used: float, whole: float) -> None:
    minutes = training_minutes(used, whole)
    assert minutes > 0 and (
        minutes * 60 <= 0.0501 * whole or minutes * 60 + used <= (1 - EVALUATION) * whole * 1.0001
    )


class Stages:
    """Doubles of the commands: they leave the files that the real ones leave."""

    def __init__(self, lesson: Lesson, stop_at: str = "") -> None:
        self.lesson, self.stop_at, self.words = lesson, stop_at, list[tuple[str, ...]]()

    def __call__(self, words: Sequence[str]) -> int:
        self.words.append(tuple(words))
        name = words[1] if words[0] == "data" else words[0]
        name = "prepare" if "--prepare" in words else name
        if name == self.stop_at:
            return ExitStatus.INTERRUPTED
        getattr(self, name)(dict(word.lstrip("-").split("=", 1) for word in words if "=" in word))
        return ExitStatus.SUCCESS

    def record(self, given: dict[str, str]) -> None:
        for seed in range(*map(int, given["seeds"].split(":"))):
            (self.lesson.folder / "bags" / f"episode_{seed:06d}").mkdir(parents=True)

    def convert(self, _: dict[str, str]) -> None:
        (self.lesson.folder / "dataset").mkdir()

    def train(self, _: dict[str, str]) -> None:
        state = self.lesson.folder / "policy" / "training" / "state.json"
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text(json.dumps({"step": 40, "tensors": "40.state.safetensors"}))

    def prepare(self, _: dict[str, str]) -> None:
        """Leaves nothing that a lesson looks at."""

    def eval(self, _: dict[str, str]) -> None:
        rows = [{"success": True}, {"success": False}]
        out = self.lesson.folder / "evaluation" / "summary.json"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"rows": rows, "summary": {"success_interval": [0.1, 0.9]}}))


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return Lesson(
        load_robot("franka"), "push_button", tmp_path / "l", "legato_trunk", 60.0, 30, "100:102", 0, 1
    )


def test_a_lesson_leaves_figures_configuration_and_a_card(lesson: Lesson) -> None:
    stages = Stages(lesson)
    figures = teach(lesson, stages)
    assert figures["success"] == 0.5 and figures["recorded"] == 30 and figures["trained"] == 40
    card = (lesson.folder / "README.md").read_text()
    assert "**50 %** of 2 held-out episodes (seeds 100:102)" in card and "30 demonstrations" in card
    prepare, train = [words for words in stages.words if words[0] == "train"]
    assert prepare[-1] == "--prepare" and set(prepare[:-1]) < set(train)
    assert 'network.encoder_of={"front": "front", "left_shoulder": "left_shoulder",' in " ".join(train)


@pytest.mark.parametrize("stage", ["record", "convert", "prepare", "train", "eval"])
def test_the_same_command_goes_on_where_it_was_interrupted_and_repeats_nothing(
    lesson: Lesson, stage: str
) -> None:
    first = Stages(lesson, stop_at=stage)
    with pytest.raises(Interrupted):
        teach(lesson, first)
    second = Stages(lesson)
    figures = teach(lesson, second)
    assert figures["success"] == 0.5
    assert not set(first.words[:-1]) & set(second.words)


def test_the_time_that_pictures_take_is_taken_from_the_training_and_shown(lesson: Lesson) -> None:
    class Slow(Stages):
        def prepare(self, _: dict[str, str]) -> None:
            time.sleep(0.5)

    stages = Slow(replace(lesson, minutes=0.1))
    teach(stages.lesson, stages)
    (train,) = [words for words in stages.words if words[0] == "train" and "--prepare" not in words]
    (given,) = [float(word.removeprefix("minutes=")) for word in train if word.startswith("minutes=")]
    assert given * 60 <= 0.9 * 6.0 - 0.4
    assert "| prepare | 0.0 |" in (lesson.folder / "README.md").read_text()


def test_by_the_processors_clock_waiting_is_free_and_computing_is_not(lesson: Lesson) -> None:
    journal = Journal(lesson.folder, {})
    with journal.stage("waiting"):
        time.sleep(0.3)
    with journal.stage("computing"):
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
    by_processor = replace(lesson, clock="processor", workers=2)
    assert lesson.used_s(journal, "waiting") >= 0.3 > 0.1 >= by_processor.used_s(journal, "waiting")
    assert by_processor.used_s(journal, "computing") == pytest.approx(0.15, abs=0.06)
    assert journal.processor_s == Journal.opened(lesson.folder, {}).processor_s


def test_a_lesson_begun_with_other_options_is_refused_with_the_differences(lesson: Lesson) -> None:
    teach(lesson, Stages(lesson))
    with pytest.raises(ConfigError, match="begun with minutes 60.0, now 5"):
        Journal.opened(lesson.folder, lesson.options() | {"minutes": 5})
    (lesson.folder / FILE).write_text("{")
    with pytest.raises(ConfigError, match="not the journal of a lesson"):
        Journal.opened(lesson.folder, lesson.options())


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("seconds", {"record": "long"}, "seconds.record: got 'long'"),
        ("seconds", {"record": -1.0}, "seconds.record: got -1.0"),
        ("seconds", {"else": 1.0}, r"seconds are of \['else'\]"),
        ("figures", {"tried": 1.5}, "figures.tried: got 1.5"),
        ("figures", {"success_interval": [0.2]}, "figures.success_interval.1: required key is missing"),
        ("figures", {"trainde": 3}, r"figures.trainde: unknown key 'trainde' \(did you mean 'trained'"),
    ],
)
def test_a_journal_that_no_lesson_wrote_is_refused_by_the_key_and_its_value(
    part: str, value: dict[str, Any], said: str, lesson: Lesson
) -> None:
    """They ended in exceptions of Python's own, hours later."""
    teach(lesson, Stages(lesson))
    file = lesson.folder / FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {part: value}))
    with pytest.raises(ConfigError, match=f"{FILE}: {said}"):
        Journal.opened(lesson.folder, lesson.options())


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"summary": {"success_interval": [0, 1]}, "rows": []}', '{"rows": [{"success": 1}]}']
)
def test_a_summary_that_no_evaluation_wrote_is_refused_by_its_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(DataError, match=r"summary\.json") as refused:
        read_outcome(tmp_path / "summary.json")
    assert "tried again" in refused.value.next_step


def test_a_stage_that_fails_ends_the_lesson_and_what_is_done_is_kept(lesson: Lesson) -> None:
    class Failing(Stages):
        def train(self, given: dict[str, str]) -> None:
            raise PolicyError(ErrorCode.TRAINING_FAILED, "no loss")

    with pytest.raises(PolicyError):
        teach(lesson, Failing(lesson))
    assert json.loads((lesson.folder / FILE).read_text())["figures"]["recorded"] == 30


def test_evaluation_seeds_that_recording_may_use_are_refused() -> None:
    with pytest.raises(ConfigError, match="seeds: 10 is one that recording may use"):
        parse_model({"task": "drawer,pour", "seeds": "10:20"}, LearnOptions, "learn")


def test_the_table_has_a_row_for_what_failed_too() -> None:
    done = {"success": 0.5, "success_interval": [0.2, 0.8], "recorded": 30, "trained": 40}
    lines = table({"franka_lift": done, "dual_arm_pour": "the disk is full"}).splitlines()
    assert lines[2] == "| franka_lift | 50 % | 20 to 80 % | 30 | 40 |" and "the disk is full" in lines[3]
    assert {line.count("|") for line in lines} == {6}
