"""The suite files: they can be read, they name what is there, and they hold what the papers print."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from pydantic import ValidationError

from segue_core.errors import ConfigError
from segue_data.contracts import config_folder
from segue_eval.seeds import EVALUATION_SEEDS, VALIDATION_SEEDS, parse_seeds
from segue_eval.suite.find import full_name, load_suite, suite_names
from segue_eval.suite.plan import checkpoint_name, plan
from segue_eval.suite.spec import SuiteSpec
from segue_policies.training.command.arguments import read_settings
from segue_policies.training.command.policy_set import stages
from segue_policies.training.command.stages import staged
from segue_policies.training.command.train import parse_settings

LEGATO = {"table1", "table2", "table3", "table4", "table5", "fig6", "tableA2"}


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_can_be_read_and_its_quick_version_is_a_part_of_it(name: str) -> None:
    spec = load_suite(name)
    assert set(spec.quick.tasks) <= set(spec.tasks)
    seeds, few = parse_seeds(spec.seeds), parse_seeds(spec.quick.seeds)
    assert len(few) < len(seeds) and set(seeds) <= set(EVALUATION_SEEDS)
    assert set(few) <= set(seeds) or set(few) <= set(VALIDATION_SEEDS)


def test_each_table_of_the_paper_is_a_suite_under_both_names() -> None:
    assert {f"legato-{name}" for name in LEGATO} <= set(suite_names())
    assert {full_name(name) for name in LEGATO} == {full_name(f"legato-{name}") for name in LEGATO}


def test_an_unknown_suite_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'legato-table2'"):
        full_name("legato-tabel2")


@pytest.mark.parametrize(
    ("suite", "task", "cell", "metric", "fact"),
    [
        ("table1", "towel", "legato", "overlap_motion", (6.22, 0.66)),
        ("table1", "bowls", "rtc", "seconds", (52.88, 3.54)),
        ("table2", "pour", "training_time_rtc", "seconds", (81.73, 1.12)),
        ("table3", "pour", "legato_d6", "nsparc", (1.38, 0.05)),
        ("table4", "pour", "without_d8", "overlap_motion", (7.21, 0.68)),
        ("table5", "pour", "rtc", "seconds", (92.93, 1.90)),
        ("tableA2", "pour", "one_shot", "overlap_motion", (12.69, 1.55)),
    ],
)
def test_facts_are_the_paper_s(
    suite: str, task: str, cell: str, metric: str, fact: tuple[float, float]
) -> None:
    assert load_suite(suite).fact(task, cell, metric) == fact


def test_numbers_of_a_table_on_one_task_stand_beside_every_task_under_its_name() -> None:
    one, several = load_suite("tableA2"), load_suite("table1")
    assert one.fact("pick_place", "legato", "seconds") == one.fact("pour", "legato", "seconds")
    assert one.paper_name == "paper (pour)" and several.paper_name == "paper"
    assert several.fact("drawer", "rtc", "seconds") != several.fact("pour", "rtc", "seconds")


@pytest.mark.parametrize("name", sorted(LEGATO))
def test_lengths_are_the_papers_and_fit_its_horizon(name: str) -> None:
    for cell in load_suite(name).cells:
        assert cell.ramp is not None and cell.delay + cell.stride + cell.ramp <= 60


VALID = {
    "title": "t", "source": "s", "tasks": ["pick_place"], "columns": ["score"],
    "quick": {"tasks": ["pick_place"], "seeds": "20000:20002"},
    "cells": [{"id": "a", "label": "A", "checkpoint": "c", "continuation": "legato"}],
}  # fmt: skip


CLAIM = {"id": "x", "text": "x", "metric": "score", "first": "a", "second": "b", "expect": "lower"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"columns": ["nspark"]}, "nspark"),
        ({"claims": [CLAIM]}, "unknown cell b"),
        ({"cells": VALID["cells"] * 2}, "there twice"),  # type: ignore[operator]
        ({"paper": {"pour": {"b": {"score": [1, 2]}}}}, "unknown cell b"),
    ],
)  # fmt: skip
def test_names_that_a_suite_does_not_have_are_refused(change: dict[str, object], word: str) -> None:
    SuiteSpec.model_validate(VALID)
    with pytest.raises(ValidationError, match=word):
        SuiteSpec.model_validate(VALID | change)


def test_a_missing_policy_of_a_suite_is_said_with_the_commands_that_make_it_and_no_others(
    tmp_path: Path,
) -> None:
    jobs = {
        job.key: job.missing for job in plan(load_suite("chain-of-action-fig6"), ["push_button"], tmp_path)
    }
    said = jobs["push_button", "act_outside"]
    assert (
        said.count("segue data record") == said.count("segue data convert") == said.count("segue train") == 1
    )
    assert "--randomisation '{spread: 0.6}'" in said and f"only=[act] out={tmp_path}" in said


def test_a_suite_of_a_world_that_others_wrote_says_what_makes_its_policies_or_its_world(
    tmp_path: Path,
) -> None:
    task = "metaworld/drawer-open-v3"
    jobs = {job.cell.id: job for job in plan(load_suite("chain-of-action-metaworld"), [task], tmp_path)}
    said, expert = jobs["act"].missing, jobs["expert"]
    if find_spec("metaworld") is None:
        assert "pip install -r requirements/benchmarks.txt" in said and said in expert.missing
        return
    record = f"segue data record --task {task} --seeds 0:100 --out datasets/{task}"
    assert (
        f"{record} && segue train chain_of_action_tables task={task} data=datasets/{task} only=[act]" in said
    )
    assert "segue data convert" not in said and expert.setup is not None
    training = config_folder() / "training" / "chain_of_action_tables.yaml"
    folders = {stage.folder for stage in stages(read_settings(training), str(training), task, tmp_path)}
    assert {
        tmp_path / f"{kind}_metaworld-drawer-open-v3" for kind in ("chain", "act", "diffusion_policy")
    } <= folders


def test_three_files_train_every_policy_that_the_suites_name(tmp_path: Path) -> None:
    training = config_folder() / "training"
    file = training / "legato_tables.yaml"
    made = stages(read_settings(file), str(file), "drawer", tmp_path)
    chains = training / "chain_of_action_tables.yaml"
    made += stages(read_settings(chains), str(chains), "drawer", tmp_path)
    phases = training / "action_stream_aligned.yaml"
    streams = staged(read_settings(phases), str(phases), tmp_path / "stream_drawer")
    for stage in (*made, *streams):
        budget = parse_settings(stage.settings, str(stage.folder)).training
        assert budget.steps or budget.minutes
    cells = [cell for name in suite_names() for cell in load_suite(name).cells]
    named = {checkpoint_name(cell, "drawer") for cell in cells if cell.checkpoint and not cell.made_by}
    folders = {str(stage.folder.relative_to(tmp_path)) for stage in (*made, *streams)}
    assert named == folders - {"first_drawer"}
