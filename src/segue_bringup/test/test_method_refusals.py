"""Laws of what a run is refused for before its graph starts: methods, rules and options that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segue_bringup import cli
from segue_bringup.catalogue import path_of
from segue_bringup.graph import load_graph
from segue_bringup.resolution import make_plan
from segue_bringup.run.refusals import refuse_bad_methods, refuse_bad_policy, refuse_before_start
from segue_core.errors import ConfigError, SchedulerError
from segue_core.exit_status import ExitStatus, exit_status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"continuation_options": "{ramp: 1}"}, "of legato: ramp: unknown key 'ramp', got 1; there are none to set"),
        (
            {"continuation": "rtc", "continuation_options": "{max_guidance_wieght: 2}"},
            "unknown key 'max_guidance_wieght' (did you mean 'max_guidance_weight'?), got 2; valid keys: "
            "max_guidance_weight (",
        ),
        ({"rule_options": "{stall: {windo_s: 1}}"}, "got 1; valid keys: motion (above 0), window_s (above 0, at"),
        ({"rule_options": "{stal: {}}"}, "unknown termination rule 'stal'"),
        ({"corrector": "none_such"}, "none_such"),
        ({"latency": "soon"}, "latency; got 'soon'; expected planned, TICKS or LOW:HIGH"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_with_its_value_and_all_that_may_be_set(
    arguments: dict[str, str], said: str
) -> None:
    """A graph was started for it, and the scheduler's log named neither the value nor what may be set."""
    with pytest.raises(ConfigError) as caught:
        refuse_bad_methods(make_plan(load_graph(), arguments))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stride": 58}, "s = 52 fits"),
        ({"stride": 61}, "stride is longer than the horizon"),
        ({"policy": "hold", "continuation": "rtc"}, "it lacks"),
    ],
)
def test_lengths_and_methods_that_do_not_fit_the_policy_are_refused(
    arguments: dict[str, str | int], said: str
) -> None:
    """A graph was started for lengths that the checkpoint's header does not allow; the run ended with a fault."""
    with pytest.raises(SchedulerError) as caught:
        refuse_bad_policy(make_plan(load_graph(), arguments))
    assert said in str(caught.value)
    assert exit_status(caught.value) is ExitStatus.USAGE


def test_what_is_usual_is_not_refused() -> None:
    plan = make_plan(load_graph(), {})
    assert refuse_before_start(plan) == ""


def _spoil(what: str, folder: Path) -> None:
    """Write robot `mine` and task `ours`, whose start is outside of the workspace."""
    robot = yaml.safe_load(path_of("robots", "franka").read_text()) | {"name": "mine"}
    task = yaml.safe_load(path_of("tasks", "push_button").read_text()) | {"name": "ours", "robot": "mine"}
    if what == "robot":
        robot["workspace"] = {"low": [0.6, 0.3, 0.3], "high": [0.7, 0.4, 0.4]}
    else:
        robot["planning"]["poses"]["behind"] = [2.5, *robot["arms"][0]["home_rad"][1:]]
        task["start_pose"] = "behind"
    for kind, data in (("robots", robot), ("tasks", task)):
        (folder / kind).mkdir(parents=True)
        (folder / kind / f"{data['name']}.yaml").write_text(yaml.safe_dump(data))


@pytest.mark.parametrize("spoilt", ["robot", "task"])
def test_a_start_outside_of_the_workspace_is_refused_before_anything_starts(
    spoilt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hold` moved the arm: the guard pulled it into the box from wherever the contract had put it."""
    _spoil(spoilt, tmp_path)
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path))
    plan = make_plan(load_graph(), {"robot": "mine", "task": "ours", "policy": "hold"})
    with pytest.raises(ConfigError, match="is outside of the workspace") as caught:
        refuse_before_start(plan)
    assert exit_status(caught.value) is ExitStatus.USAGE


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "policy:=hold", "runs:=OUT"),
        ("record", "teleop:=scripted", "runs:=OUT"),
        ("gazebo", "gazebo_files:=OUT"),
        ("soak", "policy:=hold", "runs:=OUT"),
        ("move", "home"),
    ],
    ids=lambda words: words[0],
)
def test_every_command_that_starts_something_refuses_what_a_run_refuses(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`serve`, `gazebo` and the scripted `record` began, and left what did not fit to nodes and worker processes."""
    _spoil("robot", tmp_path / "config")
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path / "config"))
    out = tmp_path / "out"
    given = [word.replace("OUT", str(out)) for word in words]
    assert cli.main([*given, "robot:=mine", "task:=ours"]) == ExitStatus.USAGE
    assert "is outside of the workspace" in capsys.readouterr().err
    assert not out.exists(), "something was begun"
