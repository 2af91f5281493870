"""Bad input is refused in one sentence with the valid names, before anything starts."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from segue_core.exit_status import ExitStatus
from segue_data.contracts import config_folder
from segue_eval.bench.scheduler import BASE, bench_scheduler
from segue_eval.cli import main
from segue_eval.options import setup_from
from segue_eval.reproduce_command import command
from segue_eval.rows import RowFile
from segue_eval.settings import EvalOptions, SetupOptions
from segue_eval.testing.doubles import result_for


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (["--task", "pick_plce"], ["pick_plce", "did you mean 'pick_place'"], ExitStatus.USAGE),
        (["--policy", "legatto"], ["legatto", "did you mean 'legato'"], ExitStatus.USAGE),
        (["--robot", "nobody"], ["nobody", "dual_arm"], ExitStatus.USAGE),
        (["--seeds", "9:3"], ["9:3", "FIRST:END"], ExitStatus.USAGE),
        (["--checkpoint", "/nowhere/at/all"], ["/nowhere/at/all"], ExitStatus.POLICY_REFUSED),
    ],
)
def test_bad_arguments_are_refused_by_name(
    arguments: list[str],
    words: list[str],
    status: ExitStatus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["eval", "--out", str(tmp_path / "out"), *arguments]) == status
    error = capsys.readouterr().err
    assert all(word in error for word in words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("policy", "continuation"), [("act", "temporal_ensemble"), ("flow", "rtc")])
def test_a_policy_is_continued_as_its_configuration_says(policy: str, continuation: str) -> None:
    options = SetupOptions(policy=policy, checkpoint="anything")
    assert setup_from(options).scheduler["continuation"] == continuation
    chosen = SetupOptions(policy=policy, checkpoint="anything", continuation="synchronous")
    assert setup_from(chosen).scheduler["continuation"] == "synchronous"


def test_a_policy_alone_is_judged_by_what_it_was_trained_for(capsys: pytest.CaptureFixture[str]) -> None:
    setup = setup_from(EvalOptions(policy="act"))
    assert (setup.task, setup.robot) == ("push_button", "franka")
    assert "policy act does push_button" in capsys.readouterr().err
    assert (
        setup_from(EvalOptions(policy="flow")).task
        == setup_from(EvalOptions(policy="scripted")).task
        == "pick_place"
    )


def test_the_scheduler_benchmark_compares_every_continuation_with_one_base() -> None:
    timings = bench_scheduler(ticks=200)
    assert BASE in timings and "legato" in timings
    assert all(value.count == 180 for value in timings.values())


def test_benchmark_ratios_are_written_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "scheduler", "--ticks", "200", "--json", str(tmp_path / "b.json")]) == 0
    data = json.loads((tmp_path / "b.json").read_text())
    assert data["ratios"][BASE] == 1.0
    assert "ratio to" in capsys.readouterr().out


def test_the_line_of_an_evaluation_names_policy_and_continuation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--policy",
        "scripted",
        "--continuation",
        "naive_async",
        "--seeds",
        "20000",
        "--workers",
        "1",
    ]
    assert main(["eval", *arguments, "--time-limit", "1", "--quiet", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split("\n")[0].strip() == "scripted, naive_async"


@pytest.mark.parametrize(("faulted", "status"), [(3, ExitStatus.RUN_FAILED), (2, ExitStatus.SUCCESS)])
def test_every_fault_is_told_once_with_its_count(
    faulted: int,
    status: ExitStatus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = EvalOptions(policy="sway", seeds="0:3", out=tmp_path, quiet=True)
    rows = RowFile(tmp_path / "rows.jsonl", setup_from(options).to_dict())
    for seed in range(3):
        ended = result_for(seed, success=False)
        fault = replace(ended, rule="fault", reason="3 refused chunks in a row: a row has 13 numbers")
        rows.add(fault if seed < faulted else ended)
    words = ["--policy", "sway", "--seeds", "0:3", "--quiet", "--out", str(tmp_path)]
    assert main(["eval", *words]) == status
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(f"fault of {faulted} of 3: 3 refused chunks in a row: a row has 13 numbers") == 1
    assert f"which seeds had a fault: {tmp_path}" in said


@pytest.mark.parametrize(
    ("horizon", "delay", "stride"), [(60, None, 30), (30, None, 22), (30, 4, 26), (12, None, 30)]
)
def test_the_usual_stride_leaves_the_delay_of_a_checkpoint_with_short_chunks(
    horizon: int, delay: int | None, stride: int, tmp_path: Path
) -> None:
    shipped = (config_folder() / "checkpoints" / "flow_pick_place" / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(re.sub(r"(?m)^horizon: .*$", f"horizon: {horizon}", shipped))
    said: dict[str, str | int] = {"checkpoint": str(tmp_path), "continuation": "naive_async"}
    said |= {} if delay is None else {"delay": delay}
    setup = setup_from(SetupOptions.model_validate(said))
    assert setup.scheduler["stride"] == stride
    assert setup_from(SetupOptions.model_validate(said | {"stride": 30})).scheduler["stride"] == 30
    assert ("--stride" in command(setup.to_dict(), 1, tmp_path)) is False
