"""A run with a progress estimator: its node is there when one is named, and the rule has its threshold."""

import json
from pathlib import Path
from typing import Any

import pytest

from segue_bringup.catalogue import config_root
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.refusals import refuse_bad_progress
from segue_core.errors import ConfigError, PolicyError
from segue_policies.estimator_loading import check_estimator
from segue_policies.testing.hasty_estimator import write_hasty_estimator


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hasty_estimator(tmp_path_factory.mktemp("progress") / "hasty")


def plan(**given: Any) -> Any:
    return make_plan(load_graph(), {"policy": "hold", "termination": "progress_threshold", **given})


def test_its_node_is_part_of_the_graph_only_when_one_is_named(estimator: Path) -> None:
    assert "progress" not in [node.name for node in plan().nodes]
    node = plan(progress=str(estimator)).node("progress")
    assert (node.package, node.executable, node.required) == ("segue_policies", "progress", False)
    assert node.parameters["checkpoint"] == str(estimator)


def test_the_scheduler_is_given_its_threshold_beside_what_a_person_says(estimator: Path) -> None:
    made = plan(progress=str(estimator), rule_options="{progress_threshold: {hold_s: 2.0}}")
    given = json.loads(made.node("scheduler").parameters["rule_options"])
    assert given == {"progress_threshold": {"hold_s": 2.0, "value": check_estimator(estimator).threshold}}
    other = plan(progress=str(estimator), termination="time_limit")
    assert other.node("scheduler").parameters["rule_options"] == ""


def test_a_folder_without_one_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such checkpoint folder"):
        plan(progress=str(tmp_path / "nowhere"))


def test_the_name_of_a_method_is_its_shipped_estimator_of_the_task() -> None:
    shipped = config_root() / "checkpoints" / "progress_estimator_drawer"
    made = plan(task="drawer", progress="progress_estimator")
    assert made.node("progress").parameters["checkpoint"] == str(shipped)
    assert json.loads(made.arguments["rule_options"]) == {
        "progress_threshold": {"value": check_estimator(shipped).threshold}
    }
    with pytest.raises(
        ConfigError, match=r"no progress_estimator for task towel is shipped.*drawer.*segue train"
    ):
        plan(task="towel", progress="progress_estimator")


def test_an_instruction_that_it_never_saw_is_said_with_its_confidence(estimator: Path) -> None:
    assert "confidence 0." in refuse_bad_progress(plan(progress=str(estimator)))
