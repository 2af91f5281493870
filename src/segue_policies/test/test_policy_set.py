"""Laws of policies that are trained as a set, and of what a checkpoint says of how it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.exit_status import ExitStatus
from segue_policies.checkpoints.checkpoint import load_checkpoint, read_config
from segue_policies.training import frozen_views
from segue_policies.training.command import train as training
from segue_policies.training.command.policy_set import stages
from segue_policies.training.command.train import main, train


@pytest.fixture
def plan(settings: Any) -> dict[str, Any]:
    """A set of three that trains in seconds."""
    common = settings()
    del common["method"]
    short = {"steps": 12, "evaluations": 1}
    return {
        "training": {"validation_frames": 20},
        "first": common | {"method": "legato", "training": common["training"] | short},
        "then": common | {"training": common["training"] | short | {"frozen_views": 2}},
        "policies": {
            "legato_{task}": {"method": "legato"},
            "flow_{task}": {"method": "flow"},
            "legato_{task}_no_condition": {"method": "legato", "network": {"condition_row": False}},
        },
    }


@pytest.fixture
def run(plan: dict[str, Any], dots: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`segue train` of the plan, with further words."""
    config = tmp_path / "tables.yaml"
    monkeypatch.setattr(training, "load_data", lambda path, cache: dots)

    def start(*words: str) -> int:
        config.write_text(yaml.safe_dump(plan))
        return main(
            ["--config", str(config), "--data", "dots", "--out", str(tmp_path / "set"), "task=dots", *words]
        )

    return start


def test_a_set_is_made_of_one_start_and_says_so(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = frozen_views.encode_views
    monkeypatch.setattr(
        "segue_policies.methods.flow.learner.encode_views", lambda *given: encoded.append(1) or encode(*given)
    )
    assert run() == 0
    folders = ("first_dots", "legato_dots", "flow_dots", "legato_dots_no_condition")
    assert {path.name for path in (tmp_path / "set").iterdir()} == set(folders)
    assert len(encoded) == 1  # by the first that needs it
    first, *others = (read_config(tmp_path / "set" / name) for name in folders)
    assert [config.method for config in others] == ["legato", "flow", "legato"]
    made = [config.provenance for config in others]
    assert made[0] == made[1] == made[2]
    assert made[0].steps == 12 and made[0].init == first.weights_sha256[:16] and not made[0].corrections
    assert first.provenance is not None and first.provenance.init == ""
    assert set(first.provenance.differences(made[0])) == {
        f"init none and {made[0].init}",
        "frozen views 0 and 2",
    }


def test_kept_pictures_change_nothing(
    plan: dict[str, Any], dots: Any, checkpoint: Path, tmp_path: Path
) -> None:
    begun = {"base": str(checkpoint), "only": ["flow"]}
    (flow,) = stages(plan | begun, "test", "dots", tmp_path / "set")
    train(flow.settings, "test", dots, tmp_path / "keeps")
    train(flow.settings, "test", dots, tmp_path / "reads")
    flow.settings["training"]["kept_views"] = None
    train(flow.settings, "test", dots, tmp_path / "alone")
    weights = [load_checkpoint(tmp_path / name, "flow").weights for name in ("keeps", "reads", "alone")]
    for name in weights[0]:
        np.testing.assert_array_equal(weights[1][name], weights[0][name])
        np.testing.assert_array_equal(weights[2][name], weights[0][name])
    assert len(list((tmp_path / "set/.views").iterdir())) == 1
    other = replace(dots, images=255 - dots.images)
    flow.settings["training"]["kept_views"] = str(tmp_path / "set/.views")
    train(flow.settings, "test", other, tmp_path / "other")
    assert len(list((tmp_path / "set/.views").iterdir())) == 2


def test_an_interrupted_set_goes_on_and_keeps_what_is_finished(run: Any, tmp_path: Path) -> None:
    assert run("only=[legato]") == 0
    assert list((tmp_path / "set/.views").iterdir())  # for the others
    finished = (tmp_path / "set/legato_dots/weights.safetensors").stat().st_mtime_ns
    (tmp_path / "set/flow_dots/training").mkdir(parents=True)
    (tmp_path / "set/flow_dots/training/config.yaml").write_text("{}")  # killed before it saved anything
    assert run("only=[legato, flow]") == ExitStatus.POLICY_REFUSED
    assert run("only=[legato, flow]", "--resume") == 0
    assert (tmp_path / "set/legato_dots/weights.safetensors").stat().st_mtime_ns == finished
    assert (
        read_config(tmp_path / "set/flow_dots").provenance
        == read_config(tmp_path / "set/legato_dots").provenance
    )


@pytest.mark.parametrize("name", ["notes.txt", "training/notes.txt"])
def test_a_folder_that_holds_something_else_is_not_removed(name: str, run: Any, tmp_path: Path) -> None:
    note = tmp_path / "set/flow_dots" / name
    note.parent.mkdir(parents=True)
    note.write_text("mine")
    assert run("--resume") == ExitStatus.POLICY_REFUSED
    assert note.read_text() == "mine" and not (tmp_path / "set/first_dots").exists()


def test_a_mistake_in_the_last_policy_is_told_before_the_first_is_trained(
    run: Any, plan: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan["policies"]["legato_{task}_no_condition"]["network"] = {"condition_rwo": False}
    assert run() == ExitStatus.USAGE
    assert "condition_row" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_settings_of_the_command_line_are_every_policys(plan: dict[str, Any], tmp_path: Path) -> None:
    plan["training"] |= {"seed": 3, "steps": 7}
    for stage in stages(plan, "test", "dots", tmp_path):
        assert (stage.settings["training"]["seed"], stage.settings["training"]["steps"]) == (3, 7)
    first, *others = stages(plan, "test", "dots", tmp_path)
    assert "init" not in first.settings["training"] and not first.corrected
    assert all(s.settings["training"]["init"] == str(first.folder) and s.corrected for s in others)


def test_a_set_without_a_first_stage_begins_each_policy_afresh(plan: dict[str, Any], tmp_path: Path) -> None:
    del plan["first"]
    plan["training"]["seed"] = 3
    made = stages(plan, "test", "dots", tmp_path)
    assert [stage.folder.name for stage in made] == ["legato_dots", "flow_dots", "legato_dots_no_condition"]
    for stage in made:
        assert "init" not in stage.settings["training"] and stage.settings["training"]["seed"] == 3
    based, *_ = stages(plan | {"base": "trained/legato"}, "test", "dots", tmp_path)
    assert based.settings["training"]["init"] == "trained/legato"


def test_what_a_set_has_not_and_a_missing_task_are_refused_by_name(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"legatto.*legato_no_condition"):
        stages(plan | {"only": ["legatto"]}, "test", "dots", tmp_path)
    with pytest.raises(ConfigError, match="task=NAME"):
        stages(plan, "test", None, tmp_path)


def test_other_data_or_corrections_are_another_provenance(dots: Any, settings: Any, tmp_path: Path) -> None:
    some = replace(dots, action=dots.action + np.float32(0.001))
    for name, data in (("all", dots), ("some", some)):
        train(settings(steps=2, evaluations=1), "test", data, tmp_path / name)
    made = [read_config(tmp_path / name).provenance for name in ("all", "some")]
    assert made[0] is not None and made[1] is not None
    assert made[0].differences(made[1]) == (f"data {made[0].data} and {made[1].data}",)


def test_a_set_needs_an_empty_place(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set/flow_dots").mkdir(parents=True)
    (tmp_path / "set/flow_dots/config.yaml").write_text("x")
    assert run() == ExitStatus.POLICY_REFUSED
    assert "--resume" in capsys.readouterr().err
    with pytest.raises(PolicyError) as caught:
        training.found([tmp_path / "set/flow_dots"], resume=True)
    assert caught.value.code == ErrorCode.TRAINING_FAILED
