"""Laws of an evaluation with a progress estimator: it takes its threshold, tells its doubts and names its weights."""

from dataclasses import replace
from pathlib import Path

import pytest

from segue_core.errors import ConfigError, PolicyError
from segue_eval import reproduce_command
from segue_eval.build import Setup, SimulatedRunner, check
from segue_eval.options import setup_from
from segue_eval.settings import EvalOptions
from segue_eval.suite.run import Bench
from segue_policies.estimator_loading import check_estimator
from segue_policies.testing.hasty_estimator import write_hasty_estimator


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hasty_estimator(tmp_path_factory.mktemp("progress") / "hasty")


def learned(**options: object) -> EvalOptions:
    given = {"policy": "hold", "termination": ("progress_threshold",), "time_limit_s": 2.0}
    return EvalOptions.model_validate(given | options)


def test_an_evaluation_takes_the_threshold_that_the_estimator_was_calibrated_to(estimator: Path) -> None:
    setup, info = setup_from(learned(), str(estimator)), check_estimator(estimator)
    assert setup.scheduler["rule_options"] == {"progress_threshold": {"value": info.threshold}}
    told = {"progress_threshold": {"value": 0.5}}
    assert setup_from(learned(rule_options=told), str(estimator)).scheduler["rule_options"] == told


def test_its_doubts_are_told_before_anything_starts(estimator: Path) -> None:
    notes = check(setup_from(learned(), str(estimator)))
    assert any("was never seen in training, confidence 0." in note for note in notes)
    assert any("the other rules end the task" in note for note in notes)


def test_episodes_of_another_estimator_are_another_setup(estimator: Path) -> None:
    without, watched = setup_from(learned()).to_dict(), setup_from(learned(), str(estimator)).to_dict()
    assert "progress" not in without and "progress_digest" not in without
    assert watched["progress_digest"]
    assert f"--progress {estimator}" in reproduce_command.command(watched, 3, Path("again"))


def test_a_task_that_it_does_not_know_ends_by_the_time_limit(estimator: Path) -> None:
    result = SimulatedRunner(setup_from(learned(), str(estimator)))()(3)
    assert (result.rule, result.ticks) == ("time_limit", 61)


def test_episodes_in_another_light_are_another_setup_and_a_light_that_a_task_has_not_is_refused() -> None:
    plain, dark = (
        setup_from(EvalOptions(policy="hold", randomisation=given)) for given in ({}, {"light": 0.6})
    )
    assert "randomisation" not in plain.to_dict() and dark.contracts()[1].randomisation.light == 0.6
    assert "--randomisation '{\"light\": 0.6}'" in reproduce_command.command(dark.to_dict(), 3, Path("again"))
    with pytest.raises(
        ConfigError, match="randomisation of task 'pick_place': lite: unknown key.*did you mean 'light'"
    ):
        check(setup_from(EvalOptions(policy="hold", randomisation={"lite": 0.6})))


def test_cells_of_one_policy_that_is_to_answer_otherwise_do_not_share_it() -> None:
    plain, bench = Setup("pick_place", "hold", ""), Bench({})
    bench.policy(plain)
    with pytest.raises(ConfigError, match="policy_options: hold has none"):
        bench.policy(replace(plain, policy_options={"guidance": 2.0}))


def test_what_is_no_estimator_is_refused(estimator: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such checkpoint folder"):
        setup_from(learned(), str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="this robot has not"):
        check(Setup("push_button", "hold", "", robot="franka", progress=str(estimator)))
