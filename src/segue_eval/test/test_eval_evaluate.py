"""Laws of running many seeds: nothing is lost or run twice, the number of workers changes nothing."""

import json
from pathlib import Path

import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import DataError
from segue_eval.build import deployment
from segue_eval.evaluate import EpisodeRunner, evaluate
from segue_eval.options import setup_from
from segue_eval.result import result_from_row
from segue_eval.rows import RowFile
from segue_eval.settings import EvalOptions
from segue_eval.testing.doubles import result_for, scripted_runner


def test_any_number_of_workers_gives_the_same_results_in_the_order_of_the_seeds(tmp_path: Path) -> None:
    seeds = (5, 2, 8)
    alone = evaluate(scripted_runner, seeds, RowFile(tmp_path / "a.jsonl", {}), workers=1)
    together = evaluate(scripted_runner, seeds, RowFile(tmp_path / "b.jsonl", {}), workers=2)
    assert [r.to_row() for r in alone] == [r.to_row() for r in together]
    assert [r.seed for r in together] == list(seeds)


def test_a_finished_seed_is_never_run_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    evaluate(scripted_runner, (1, 2), RowFile(path, {}), workers=1)

    def only_three() -> EpisodeRunner:
        return {3: result_for(3)}.__getitem__

    results = evaluate(only_three, (1, 2, 3), RowFile(path, {}), workers=1)
    assert [result.ticks for result in results] == [101, 102, 300]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_episode_is_named_and_the_finished_ones_are_kept(tmp_path: Path, workers: int) -> None:
    rows = RowFile(tmp_path / "rows.jsonl", {})
    with pytest.raises(Exception, match="unlucky"):
        evaluate(scripted_runner, (1, 2, 13), rows, workers)
    assert set(RowFile(tmp_path / "rows.jsonl", {}).results) <= {1, 2}


def test_a_torn_last_line_costs_one_episode_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    evaluate(scripted_runner, (1, 2), RowFile(path, {}), workers=1)
    path.write_text(path.read_text()[:-20])
    rows = RowFile(path, {})
    assert set(rows.results) == {1}
    rows.add(result_for(2))
    assert set(RowFile(path, {}).results) == {1, 2}


def test_rows_of_another_setup_are_refused_and_the_difference_is_named(tmp_path: Path) -> None:
    RowFile(tmp_path / "rows.jsonl", {"delay": 8})
    with pytest.raises(DataError, match="delay: file 8, now 6"):
        RowFile(tmp_path / "rows.jsonl", {"delay": 6})


def test_a_row_survives_json_with_its_missing_numbers(tmp_path: Path) -> None:
    row = json.loads(json.dumps(result_for(7).to_row(), allow_nan=False))
    assert result_from_row(row).to_row() == row


def test_a_row_that_lacks_a_field_is_refused_by_name() -> None:
    row = result_for(7).to_row()
    del row["nsparc"]
    with pytest.raises(DataError, match="nsparc"):
        result_from_row(row)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"success": "no"}, "success: got 'no', expected bool"),
        ({"ticks": 7.5}, "ticks: got 7.5, expected int"),
        ({"seed": -1}, "seed: got -1, allowed: at least 0"),
        ({"score": 1e300}, "score: got 1e\\+300"),
        ({"seams": [{"sequence": "1"}]}, "sequence: got '1', expected int"),
        ({"notes": [3]}, "notes: got 3, expected str"),
    ],
)
def test_a_value_that_no_episode_has_is_refused_by_its_line_and_name(
    changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    """The text "no" was taken for a success."""
    path = tmp_path / "rows.jsonl"
    rows = RowFile(path, {})
    rows.add(result_for(1))
    with path.open("a") as file:
        file.write(json.dumps({**result_for(2).to_row(), **changes}) + "\n")
    with pytest.raises(DataError, match=f"rows.jsonl: line 3: episode row: {said}"):
        RowFile(path, {})


def test_no_missing_seed_means_no_runner_is_made(tmp_path: Path) -> None:
    def forbidden() -> EpisodeRunner:
        raise AssertionError("made a runner for nothing")

    assert evaluate(forbidden, (), RowFile(tmp_path / "rows.jsonl", {}), workers=4) == []


def test_rows_of_other_code_of_a_policy_are_not_taken_for_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    setup = {"policy": "walk", "checkpoint": "", "code_digest": "a"}
    RowFile(path, setup)
    assert RowFile(path, setup).results == {}
    told = r"the code of policy 'walk' is not the one that its rows are of.*--fresh"
    with pytest.raises(DataError, match=told):
        RowFile(path, setup | {"code_digest": "b"})
    before_code_counted = tmp_path / "before.jsonl"
    RowFile(before_code_counted, {"policy": "walk", "checkpoint": "nowhere/walk_pick_place"})
    with pytest.raises(DataError, match=told):
        RowFile(before_code_counted, setup)


def test_what_decides_an_episode_is_code_where_there_are_no_weights_and_weights_where_there_are() -> None:
    without, of_ours = (
        setup_from(EvalOptions.model_validate({"policy": policy})) for policy in ("sway", "legato")
    )
    told = without.to_dict()
    assert (told["checkpoint"], told["checkpoint_digest"]) == ("", "") and told["code_digest"]
    told = of_ours.to_dict()
    assert told["checkpoint"] and told["checkpoint_digest"] and "code_digest" not in told


def test_a_policy_is_evaluated_in_the_precision_asked_for_and_its_rows_say_so(
    robot: RobotConfig, task: TaskConfig
) -> None:
    halved, usual = (setup_from(EvalOptions.model_validate(said)) for said in ({"dtype": "bfloat16"}, {}))
    assert deployment(halved, robot, task).runtime.dtype == "bfloat16"
    assert halved.to_dict()["dtype"] == "bfloat16"
    assert "dtype" not in usual.to_dict(), "rows of before there was a choice stay valid"
