"""A suite from its file to its page: what can run does, what cannot is said, and nothing is run twice."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from segue_data.contracts import config_folder
from segue_eval.claims import Verdict
from segue_eval.cli import main
from segue_eval.rows import RowFile
from segue_eval.suite.alike import compared
from segue_eval.suite.find import load_suite
from segue_eval.suite.outcome import SuiteRun
from segue_eval.suite.plan import plan
from segue_eval.suite.run import Cell, run_suite
from segue_eval.testing.doubles import result_for

SUITE = """
title: Two methods
source: a test
about: Short episodes on one task that is there and on one that is not.
tasks: [pick_place, juggling]
seeds: "20000:20003"
quick: {tasks: [pick_place], seeds: "20000:20002"}
columns: [score, overlap_rmse]
cells:
  - id: old
    label: Old
    checkpoint: "legato_{task}"
    continuation: naive_async
    stride: 10
    ramp: 30
    scheduler: {time_limit_s: 1.2}
  - id: new
    label: New
    checkpoint: "legato_{task}"
    continuation: legato
    stride: 10
    ramp: 30
    scheduler: {time_limit_s: 1.2}
  - {id: lost, label: Lost, checkpoint: "lost_{task}", continuation: legato}
  - {id: wrong, label: Wrong, checkpoint: "legato_{task}", continuation: legato, delay: 40}
  - {id: still, label: Still, policy: hold, scheduler: {time_limit_s: 0.4}}
  - {id: expert, label: Expert, policy: scripted, scheduler: {time_limit_s: 1.2}}
paper:
  pick_place: {old: {overlap_rmse: [9.0, 0.5]}, new: {overlap_rmse: [5.0, 0.2]}}
claims:
  - {id: coherent, text: New has a lower overlap RMSE, metric: overlap_rmse, first: new, second: old, expect: lower}
  - {id: lost, text: Lost is faster, metric: seconds, first: lost, second: old, expect: lower}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, object]]]:
    """The output folder and the JSON of the suite above, run once in this process."""
    folder = tmp_path_factory.mktemp("suite")
    config = folder / "config"
    (config / "suites").mkdir(parents=True)
    for name in ("robots", "tasks", "checkpoints", "training"):
        (config / name).symlink_to(config_folder() / name)
    (config / "suites" / "own-pair.yaml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_CONFIG_DIR", str(config))
        options = ["--seeds", "20000:20002", "--workers", "1", "--quiet", "--out", str(folder / "out")]
        assert main(["eval", "pair", *options, "--json", str(folder / "out.json")]) == 0
        yield folder / "out", json.loads((folder / "out.json").read_text())


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with the suites of the workspace and not the one above."""
    monkeypatch.delenv("SEGUE_CONFIG_DIR", raising=False)
    return tmp_path


def by_id(data: dict[str, object]) -> dict[str, dict[str, object]]:
    claims = data["claims"]
    assert isinstance(claims, list)
    return {claim["id"]: claim for claim in claims}


def test_claims_of_cells_that_ran_have_a_verdict_and_its_numbers(ran: tuple[Path, dict[str, object]]) -> None:
    claim = by_id(ran[1])["coherent/pick_place"]
    assert claim["verdict"] in ("reproduced", "not", "inconclusive")
    statistics = claim["statistics"]
    assert isinstance(statistics, dict)
    assert statistics["n"] == 2
    assert statistics["interval_low"] <= statistics["difference"] <= statistics["interval_high"]


def test_a_missing_checkpoint_is_said_with_the_command_that_makes_it(
    ran: tuple[Path, dict[str, object]],
) -> None:
    claim = by_id(ran[1])["lost/pick_place"]
    assert claim["verdict"] == "not run"
    reason = str(claim["reason"])
    assert "segue train lost_pick_place" in reason and "it is not there either" in reason


def test_a_checkpoint_of_a_set_is_made_with_those_that_it_is_compared_with(workspace: Path) -> None:
    jobs = plan(load_suite("legato-table4"), ("drawer",), workspace)
    for job in jobs:
        assert "segue train legato_tables task=drawer" in job.missing
        assert job.missing.endswith("--checkpoints trained/tables")


def test_a_missing_task_is_said_and_the_claim_on_all_tasks_stays_open(
    ran: tuple[Path, dict[str, object]],
) -> None:
    claims = by_id(ran[1])
    assert "config/tasks/juggling.yaml" in str(claims["coherent/juggling"]["reason"])
    assert claims["coherent/all tasks"]["verdict"] in ("inconclusive", "not")
    assert claims["coherent/all tasks"]["reason"] == "not run on juggling"


def test_a_delay_that_does_not_fit_is_refused_in_the_schedulers_words(
    ran: tuple[Path, dict[str, object]],
) -> None:
    cells = ran[1]["cells"]
    assert isinstance(cells, list)
    wrong = next(cell for cell in cells if cell["cell"] == "wrong" and cell["task"] == "pick_place")
    assert "an answer would take longer than a stride" in wrong["not_run"]


def test_table_page_and_plots_hold_both_and_fetch_nothing(ran: tuple[Path, dict[str, object]]) -> None:
    folder = ran[0]
    page, markdown = (folder / "report.html").read_text(), (folder / "table.md").read_text()
    assert "src=" not in page and "href=" not in page and "@import" not in page
    for text in (page, markdown):
        assert "9.00 ± 0.50" in text and "New has a lower overlap RMSE" in text and "not run" in text
    assert (folder / "table.csv").read_text().startswith("task,group,cell,label,metric,unit,paper_mean")
    assert {path.name for path in (folder / "plots").iterdir()} >= {
        "claims.svg",
        "pick_place-overlap_rmse.svg",
    }


def test_policies_without_a_checkpoint_are_cells_like_others(ran: tuple[Path, dict[str, object]]) -> None:
    cells = ran[1]["cells"]
    assert isinstance(cells, list)
    rows = {cell["cell"]: cell["rows"] for cell in cells if "rows" in cell}
    assert [[row["ticks"] for row in rows[name]] for name in ("still", "expert")] == [[13, 13], [37, 37]]
    assert all(row["starved"] == 0 for name in ("still", "expert") for row in rows[name])


def test_the_page_says_how_often_a_policy_has_two_ways_to_go_on(ran: tuple[Path, dict[str, object]]) -> None:
    (found,) = ran[1]["modes"]  # type: ignore[misc]
    assert (found["task"], found["checkpoint"]) == ("pick_place", "legato_pick_place")
    assert 0 <= found["two"] <= found["requests"] and found["requests"] >= 6
    assert (
        "two-moded" in (ran[0] / "report.html").read_text()
        and "two-moded" in (ran[0] / "table.md").read_text()
    )


def test_the_same_command_runs_nothing_again(ran: tuple[Path, dict[str, object]]) -> None:
    rows = sorted((ran[0] / "cells").glob("*/rows.jsonl"))
    before = [path.read_text() for path in rows]
    assert len(rows) == 4 and all(text.count("\n") == 3 for text in before)
    assert main(["eval", "pair", "--seeds", "20000:20002", "--quiet", "--out", str(ran[0])]) == 0
    assert [path.read_text() for path in rows] == before


def test_a_wider_range_of_seeds_keeps_the_finished_ones(ran: tuple[Path, dict[str, object]]) -> None:
    assert main(["eval", "pair", "--quick", "--seeds", "20001", "--quiet", "--out", str(ran[0])]) == 0
    for path in (ran[0] / "cells").glob("*/rows.jsonl"):
        header = json.loads(path.read_text().splitlines()[0])
        assert set(RowFile(path, header["setup"]).results) == {20000, 20001}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pair", "--tasks", "pick_plce"], ["pick_plce", "did you mean 'pick_place'"]),
        (["pair", "--tasks", "juggling"], ["nothing of own-pair could be run", "config/tasks/juggling.yaml"]),
        (["pear"], ["unknown suite 'pear'", "own-pair"]),
        (["pair", "--delay", "6"], ["--delay has no meaning here", "own-pair.yaml"]),
        (
            ["--quick", "--tasks", "pick_place"],
            ["--quick, --tasks has no meaning here", "only a suite takes it"],
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(
    arguments: list[str],
    words: list[str],
    ran: tuple[Path, dict[str, object]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["eval", *arguments, "--quiet", "--out", str(ran[0].parent / "other")]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words)


def test_a_cell_whose_episodes_fail_is_reported_and_not_half_counted(workspace: Path) -> None:
    checkpoint = workspace / "checkpoints" / "legato_pick_place"
    shutil.copytree(config_folder() / "checkpoints" / checkpoint.name, checkpoint)
    spec = load_suite("legato-table1")
    jobs = plan(spec, ("pick_place",), checkpoint.parent)
    assert [bool(job.setup) for job in jobs] == [False, True, False]
    (checkpoint / "weights.safetensors").unlink()
    cells = run_suite(jobs, (20000, 20001), workspace / "cells", workers=1, label="t", quiet=True)
    assert cells[0].missing.startswith("checkpoint flow_pick_place is not in")
    assert cells[1].results == () and "seed 20000 failed: [" in cells[1].missing
    run = SuiteRun("legato-table1", spec, ("pick_place",), (20000, 20001), tuple(cells))
    assert {claim.verdict for claim in run.claims} == {Verdict.NOT_RUN}
    assert run.to_dict()["cells"]


def test_policies_that_were_not_made_alike_are_told_apart(workspace: Path) -> None:
    made = {"data": "1" * 16, "frames": 900, "steps": 3000, "batch_size": 64, "learning_rate": 0.0005}
    made |= {"init": "2" * 16, "frozen_views": 2, "seed": 0}
    told: tuple[dict[str, object], ...] = (made, made | {"steps": 2500}, made | {"init": ""}, {})
    spec = load_suite("legato-table1")
    lines = []
    for known in told:
        folders = [workspace / str(len(lines)) / f"{name}_pick_place" for name in ("flow", "legato")]
        for folder, provenance in zip(folders, (made, known), strict=True):
            shutil.copytree(config_folder() / "checkpoints/legato_pick_place", folder)
            config = yaml.safe_load((folder / "config.yaml").read_text())
            config["provenance"] = provenance or None
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
        jobs = plan(spec, ("pick_place",), folders[0].parent)
        some = (result_for(1),)
        (pair,) = compared(spec, ("pick_place",), [Cell(job, some) for job in jobs])
        lines.append(pair.words)
    between = "flow_pick_place and legato_pick_place"
    assert lines == [
        f"{between}: same data, corrections, start, steps, batch, rate and seed",
        f"{between} were not made alike: steps 3000 and 2500",
        f"{between} were not made alike: init {'2' * 16} and none",
        f"{between}: at least one does not say what it was made from",
    ]
