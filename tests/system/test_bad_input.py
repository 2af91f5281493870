"""Wrong input is refused before anything starts, with the valid names, and nothing is left behind."""

import shutil
from pathlib import Path

import pytest

from segue_bringup import cli
from segue_core.exit_status import ExitStatus

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {"runs": "out"}
OF_OTHER_COMMANDS = {"collect", "episodes", "replay", "operator", "keep_doubtful"}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["run", "task:=pick_plac"], ExitStatus.USAGE, "did you mean 'pick_place'"),
        (["run", "policy:=legatto"], ExitStatus.USAGE, "allowed: "),
        (["run", "robot:=toaster"], ExitStatus.USAGE, "dual_arm"),
        (["run", "tsk:=pick_place"], ExitStatus.USAGE, "did you mean 'task'"),
        (["run", "stride:=-3"], ExitStatus.USAGE, "expected 1 to 1024"),
        (["run", "pick_place"], ExitStatus.USAGE, "name:=value"),
        (["run", "--timeout", "-1"], ExitStatus.USAGE, "more than 0"),
        (["run", "checkpoint:=/nowhere"], ExitStatus.POLICY_REFUSED, "/nowhere"),
        (["run", "task=pour"], ExitStatus.POLICY_REFUSED, "no checkpoint of legato for task pour is shipped"),
        (
            ["run", "task=open_drawer"],
            ExitStatus.POLICY_REFUSED,
            "./segue train legato task=open_drawer data=",
        ),
        (["rum"], ExitStatus.USAGE, "did you mean 'run'"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_valid(
    arguments: list[str], status: ExitStatus, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = ["--out", str(tmp_path)] if arguments[0] == "run" else []
    assert cli.main([*arguments, *extra]) == status
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "no weights"])
def test_a_damaged_checkpoint_is_refused_before_anything_starts(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = ROOT / "config" / "checkpoints" / "legato_pick_place"
    if not (shipped / "weights.safetensors").is_file():
        pytest.skip("no checkpoint in config/checkpoints")
    copy = tmp_path / "checkpoint"
    shutil.copytree(shipped, copy)
    weights = copy / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    contents = {"truncated": data[: len(data) // 2], "flipped": data, "no weights": None}[damage]
    weights.unlink()
    if contents is not None:
        weights.write_bytes(contents)
    assert (
        cli.main(["run", f"checkpoint:={copy}", "--out", str(tmp_path / "runs")]) == ExitStatus.POLICY_REFUSED
    )
    assert "weights.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_window_without_a_display_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    arguments = ["run", "policy:=hold", "--view", "--out", str(tmp_path)]
    assert cli.main(arguments) == ExitStatus.ENVIRONMENT
    assert "there is no display" in capsys.readouterr().err


def test_the_help_of_run_lists_every_setting_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    from segue_bringup.graph import load_graph

    assert cli.main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    wanted = set(load_graph().arguments) - OF_OTHER_COMMANDS
    assert [name for name in wanted if f"--{SHOWN.get(name, name).replace('_', '-')} " not in text] == []


def test_every_exit_status_is_documented() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    assert [status.name for status in ExitStatus if f"| {int(status)} | `{status.name}` |" not in text] == []


def test_a_task_for_another_robot_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("checkpoints"))
    task = config / "tasks" / "pick_place.yaml"
    task.write_text(task.read_text().replace("robot: dual_arm", "robot: one_arm"))
    monkeypatch.setenv("SEGUE_CONFIG_DIR", str(config))
    assert cli.main(["run", "policy:=hold", "--json", str(tmp_path / "r.json")]) == ExitStatus.USAGE
    assert "made for another robot" in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()
