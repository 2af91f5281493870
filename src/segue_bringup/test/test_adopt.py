"""`segue adopt` as a command: its exit statuses, and that a refusal writes nothing. A double stands for LeRobot."""

from __future__ import annotations

from pathlib import Path

import pytest
from lerobot_double import stub
from test_lerobot_policy import checkpoint

from segue_bringup import cli
from segue_bringup.environment.doctor import lerobot
from segue_bringup.environment.workspace import Workspace
from segue_core.exit_status import ExitStatus


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEROBOT_PYTHON", str(stub(tmp_path)))
    monkeypatch.delenv("LEROBOT_SERVER", raising=False)
    return checkpoint(tmp_path / "pretrained_model")


def test_a_checkpoint_that_fits_is_tried_and_adopted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["adopt", str(folder), "--robot", "dual_arm"]) == 0
    said = capsys.readouterr().out
    assert (
        "fits dual_arm: act, 20 rows of 14 at 30 Hz, pictures of head, left_wrist, right_wrist at 96x72"
        in said
    )
    assert "LeRobot double at" in said and f"next: segue run policy:=lerobot checkpoint:={folder}" in said
    assert (folder / "segue.yaml").is_file()


def test_without_lerobot_a_checkpoint_is_adopted_and_said_to_be_untried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The robot's machine may have none."""
    monkeypatch.delenv("LEROBOT_PYTHON")
    assert cli.main(["adopt", str(folder), "--robot", "dual_arm"]) == 0
    assert (
        "not tried: nothing says where LeRobot is. What to do: export LEROBOT_PYTHON="
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "fault", "status", "said"),
    [
        (["--robot", "franka"], "", ExitStatus.POLICY_REFUSED, "CHECKPOINT_MISMATCH"),
        (["--robot", "dual_arm"], "refuse", ExitStatus.POLICY_REFUSED, "LeRobot cannot load it"),
        (["--robot", "dual_arm"], "crash", ExitStatus.POLICY_REFUSED, "no such library"),
        (["--robot", "dualarm"], "", ExitStatus.USAGE, "did you mean 'dual_arm'"),
        (["--robot", "dual_arm", "--camera", "head"], "", ExitStatus.USAGE, "OURS=THEIRS"),
        (
            ["--robot", "dual_arm", "--lerobot", "/nowhere/python"],
            "",
            ExitStatus.ENVIRONMENT,
            "got /nowhere/python",
        ),
    ],
)
def test_what_cannot_be_adopted_has_a_status_and_a_sentence_and_writes_nothing(
    folder: Path,
    words: list[str],
    fault: str,
    status: ExitStatus,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "fault").write_text(fault)
    assert cli.main(["adopt", str(folder), *words]) == status
    assert said in capsys.readouterr().err
    assert not (folder / "segue.yaml").exists()


def test_a_run_is_refused_before_anything_starts_where_lerobot_is_not_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEROBOT_PYTHON", "/nowhere/python")
    given = ["run", "policy:=lerobot", f"checkpoint:={folder}", "--out", str(folder.parent / "runs")]
    assert cli.main(given) == ExitStatus.ENVIRONMENT
    assert "LEROBOT_PYTHON names no program" in capsys.readouterr().err
    assert not (folder.parent / "runs").exists()


def test_doctor_asks_the_interpreter_which_lerobot_it_has() -> None:
    workspace = Workspace.of_this_file()
    assert lerobot(workspace, {}).status == "ok"
    for python, said in (("/usr/bin/python3", "has no LeRobot"), ("/nowhere/python", "No such file")):
        check = lerobot(workspace, {"LEROBOT_PYTHON": python})
        assert check.status == "warning" and said in check.found and check.cure
