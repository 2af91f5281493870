"""Laws of the engine: interruptions, patience, several processes, precision, and the words of `segue train`."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segue_core.errors import ConfigError, PolicyError
from segue_core.exit_status import ExitStatus
from segue_policies.testing.dots import make_act_settings
from segue_policies.train.arguments import Arguments, parse
from segue_policies.train.command import main, make_learner, parse_settings, train
from segue_policies.training.budget import Budget
from segue_policies.training.config import TrainingConfig
from segue_policies.training.engine import resolve
from segue_policies.training.processes import Share

PLAIN = {"horizon": 10, "network": {"dropout": 0.0, "style_encoder": False}}
"""ACT without random numbers in its loss."""


class _Watched(np.ndarray[Any, Any]):
    """States that do something when they are read for the n-th time."""

    left = 0
    act: Callable[[], None]

    def __getitem__(self, key: Any) -> Any:
        _Watched.left -= 1
        if _Watched.left == 0:
            _Watched.act()
        return np.asarray(super().__getitem__(key))


def on_read(data: Any, reads: int, act: Callable[[], None]) -> Any:
    _Watched.left, _Watched.act = reads, staticmethod(act)
    return replace(data, state=data.state.view(_Watched))


def losses(folder: Path) -> list[float]:
    with (folder / "training/loss.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_a_terminated_run_saves_its_state_and_resumes_to_the_same_curve(
    dots: Any, settings: Any, tmp_path: Path
) -> None:
    plan = settings(steps=24, evaluations=2)
    whole = train(plan, "test", dots, tmp_path / "whole")
    stopping = on_read(dots, 20, lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopped = train(plan, "test", stopping, tmp_path / "parts")
    assert stopped.ended == "interrupted" and 12 < stopped.steps < 24  # not at an evaluation
    resumed = train(plan, "test", dots, tmp_path / "parts", resume=True)
    assert (whole.ended, resumed.ended, resumed.steps) == ("budget", "budget", 24)
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


def test_patience_ends_a_run_that_no_longer_improves(dots: Any, settings: Any, tmp_path: Path) -> None:
    still = settings(steps=40, evaluations=20, learning_rate=1e-12, patience=2, keep="best")
    result = train(still, "test", dots, tmp_path)
    assert (result.ended, result.steps) == ("patience", 6)  # the first is the best, then two that are not
    assert "2 steps" in (tmp_path / "README.md").read_text()
    again = train(still, "test", dots, tmp_path, resume=True)
    assert (again.ended, again.steps) == ("patience", 6)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, pathlib, torch, yaml\n"
        "from segue_policies.testing.dots import make_dots\n"
        "from segue_policies.train.command import train\n"
        "torch.set_num_threads(1)\n"
        "train(yaml.safe_load(sys.argv[1]), 'test', make_dots(6), pathlib.Path(sys.argv[2]))\n"
    )
    plan = make_act_settings(steps=20, evaluations=1, state_noise=0.0, batch_size=8, tensorboard=False)
    plan["network"] |= PLAIN["network"]
    alone, together = tmp_path / "alone", tmp_path / "together"
    from segue_policies.testing.dots import make_dots

    train(plan, "test", make_dots(6), alone)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(script), str(plan), str(together)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "2 process(es)" in done.stdout
    np.testing.assert_allclose(losses(together), losses(alone), rtol=1e-4)


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    shares = [list(range(8))[Share(rank, 4).of_batch(8)] for rank in range(4)]
    assert shares == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert len({Share(rank, 4).own(step) for rank in range(4) for step in range(5)}) == 20
    with pytest.raises(ConfigError, match="batch_size.*10.*4 processes"):
        Share(0, 4).of_batch(10)
    with pytest.raises(PolicyError, match="2 processes need a budget in --steps"):
        Budget.of(TrainingConfig(minutes=1.0), 2)


def test_bfloat16_trains_and_says_so(dots: Any, settings: Any, tmp_path: Path) -> None:
    result = train(settings(steps=2, evaluations=1, precision="bfloat16"), "test", dots, tmp_path)
    assert result.precision == "bfloat16" and "bfloat16" in (tmp_path / "README.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    assert resolve("auto") == "cpu"
    with pytest.raises(ConfigError, match="training.device.*cuda"):
        resolve("cuda")


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / "act_pour.yaml").write_text("method: act\nhorizon: 60\ntraining: {steps: 9, minutes: 50}\n")
    return folder


def words(configs: Path, line: str) -> Arguments:
    return parse([*line.split(), "--configs", str(configs)])


def test_a_policy_is_a_file_of_the_folder_or_a_method(configs: Path) -> None:
    named = words(configs, "act_pour data=d")
    assert (named.settings["horizon"], named.out, named.data) == (60, Path("trained/act_pour"), Path("d"))
    assert words(configs, "act task=pour data=d").settings == named.settings
    assert words(configs, "act data=d out=o").settings == {"method": "act", "training": {}}
    with pytest.raises(ConfigError, match="'act_por'.*did you mean 'act_pour'"):
        words(configs, "act_por data=d")
    with pytest.raises(ConfigError, match="--data is not given"):
        words(configs, "act")


def test_settings_are_given_as_words(configs: Path) -> None:
    given = words(configs, "act_pour data=d network.width=64 batch_size=4 --minutes 2 patience=3 resume=true")
    assert given.settings["network"] == {"width": 64} and given.resume
    training = TrainingConfig.model_validate(given.settings["training"])
    assert (training.batch_size, training.minutes, training.steps, training.patience) == (4, 2.0, None, 3)


def test_an_unknown_setting_names_the_nearest(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (configs / "hold.yaml").write_text("method: act\n")
    code = main(["hold", "data=/nowhere", "--configs", str(configs)])
    assert code == ExitStatus.DATA and "/nowhere" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="netwrk.*network"):
        train({"method": "act", "netwrk": {}}, "test", None, configs / "o")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["legato", "flow", "training_time_rtc", "one_shot", "vlash", "act"])
def test_a_loss_is_computed_where_the_weights_are(
    method: str, dots: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch's device "meta" computes shapes only, but refuses, as a GPU does, tensors that were left on the CPU."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # which "meta" does not have
    plan = (make_act_settings if method == "act" else settings)(steps=1)
    plan |= {"method": method}
    if method == "training_time_rtc":
        plan["network"] |= {"head": "transformer", "token_rows": 1}
    learner = make_learner(parse_settings(plan, "test"), dots, None)
    learner.model.to("meta")
    loss = learner.loss(next(iter(learner.batches(0))), 0)
    assert loss.device.type == "meta" and loss.shape == ()
    loss.backward()
