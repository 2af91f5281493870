"""Laws of the engine: interruptions, patience, several processes, precision, and the words of `segue train`."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from segue_core.errors import ConfigError, PolicyError
from segue_core.exit_status import ExitStatus
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.sample import Sample
from segue_policies.testing.dots import make_act_settings
from segue_policies.training.averaging import MovingAverage
from segue_policies.training.budget import Budget
from segue_policies.training.command.arguments import Arguments, parse
from segue_policies.training.command.train import main, make_learner, parse_settings, train
from segue_policies.training.config import TrainingConfig
from segue_policies.training.engine import Engine, resolve
from segue_policies.training.loop import Trainer, TrainingResult
from segue_policies.training.optimiser import ParameterGroup, make_optimiser, usual_groups
from segue_policies.training.processes import Share
from segue_policies.training.run_state import TrainingState, load_state, save_state

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


def uninterrupted(settings: Any) -> dict[str, Any]:
    plan: dict[str, Any] = settings(steps=24, evaluations=2, batch_size=8)
    return plan


@pytest.fixture(scope="module")
def whole(dots: Any, settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained to its end without an interruption; do not change it."""
    out = tmp_path_factory.mktemp("whole")
    assert train(uninterrupted(settings), "test", dots, out).ended == "budget"
    return out


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_run_saves_its_state_and_resumes_to_the_same_curve(
    asked: signal.Signals, dots: Any, settings: Any, whole: Path, tmp_path: Path
) -> None:
    plan = uninterrupted(settings)
    stopping = on_read(dots, 20, lambda: os.kill(os.getpid(), asked))
    stopped = train(plan, "test", stopping, tmp_path / "parts")
    assert stopped.ended == "interrupted" and 12 < stopped.steps < 24  # not at an evaluation
    resumed = train(plan, "test", dots, tmp_path / "parts", resume=True)
    assert (resumed.ended, resumed.steps) == ("budget", 24)
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, tmp_path / "parts")]
    assert weights[0] == weights[1]
    assert losses(whole) == losses(tmp_path / "parts")


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
        "from segue_policies.training.command.train import train\n"
        "torch.set_num_threads(1)\n"
        "train(yaml.safe_load(sys.argv[1]), 'test', make_dots(6), pathlib.Path(sys.argv[2]))\n"
    )
    plan = plain_act(tensorboard=False)
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


def plain_act(**training: Any) -> dict[str, Any]:
    plan = make_act_settings(steps=20, evaluations=1, state_noise=0.0, batch_size=8, **training)
    plan["network"] |= PLAIN["network"]
    return plan


def test_a_batch_in_parts_makes_the_same_step(dots: Any, tmp_path: Path) -> None:
    train(plain_act(), "test", dots, tmp_path / "whole")
    train(plain_act(accumulate=4), "test", dots, tmp_path / "parts")
    np.testing.assert_allclose(losses(tmp_path / "parts"), losses(tmp_path / "whole"), rtol=1e-4)
    with pytest.raises(ConfigError, match=r"accumulate is 3, expected a divisor of batch_size, 8"):
        train(plain_act(accumulate=3), "test", dots, tmp_path / "uneven")


def test_what_is_frozen_is_neither_optimised_averaged_nor_kept_in_the_state() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 1))
    model[0].requires_grad_(False)
    groups = usual_groups(model, TrainingConfig())
    trained = [parameter for group in groups for parameter in group.parameters]
    assert {id(p) for p in trained} == {id(p) for p in model[1].parameters()}
    average = MovingAverage(model, 0.9)
    assert average.model[0].weight is model[0].weight and average.model[1].weight is not model[1].weight
    model[1].weight.data += 1.0
    before = average.model[1].weight.clone()
    average.update(model, 1)
    assert not torch.equal(average.model[1].weight, before)
    with pytest.raises(PolicyError, match="every parameter is frozen"):
        make_optimiser(usual_groups(model.requires_grad_(False), TrainingConfig()), TrainingConfig())


def test_the_state_of_a_frozen_part_is_not_asked_for(tmp_path: Path) -> None:
    def fresh() -> TrainingState:
        model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 1))
        model[0].requires_grad_(False)
        optimiser = make_optimiser(usual_groups(model, TrainingConfig()), TrainingConfig())
        return TrainingState(model, MovingAverage(model, 0.9).model, optimiser)

    first, again = fresh(), fresh()
    save_state(tmp_path, first, {"step": 1})
    pretrained = again.model.get_submodule("0").weight.clone()
    assert load_state(tmp_path, again).step == 1
    assert torch.equal(again.model.get_submodule("1").weight, first.model.get_submodule("1").weight)
    assert torch.equal(again.model.get_submodule("0").weight, pretrained)


class Words:
    """A batch that is no tensor, of a learner that is not ours."""

    def __init__(self, number: int) -> None:
        self.number = number


class Counting:
    """The smallest learner there is."""

    def __init__(self) -> None:
        self.memory: dict[str, list[float]] = {}
        self.model = torch.nn.Linear(1, 1)
        self.seen: list[tuple[int, int]] = []

    def parameter_groups(self) -> list[ParameterGroup]:
        return usual_groups(self.model, TrainingConfig())

    def batches(self, first: int) -> Iterator[Words]:
        return (Words(number) for number in count(first))

    def loss(self, batch: Words, number: int) -> torch.Tensor:
        self.seen.append((batch.number, number))
        loss: torch.Tensor = self.model(torch.ones(1)).square().sum()
        return loss

    def evaluate(self, model: torch.nn.Module) -> dict[str, float]:
        return {"validation_loss": 1.0}

    def save(self, model: torch.nn.Module, folder: Path, summary: Any) -> None:
        (folder / "saved").touch()


def test_a_learner_brings_batches_of_its_own(tmp_path: Path) -> None:
    learner, config = (
        Counting(),
        TrainingConfig(steps=3, accumulate=2, precision="float32", threads=1, evaluations=1),
    )
    result = Trainer(learner, config, tmp_path, False, Engine("cpu")).run()
    assert result.steps == 3 and (tmp_path / "saved").exists()
    assert learner.seen == [(number, number) for number in range(6)]


class Estimate(torch.nn.Module):
    """A chunk, and from the same state how far the task is."""

    def __init__(self, settings: Any, shape: Shape) -> None:
        super().__init__()
        self.rows = (shape.horizon, shape.dim)
        self.chunk = torch.nn.Linear(shape.state, shape.horizon * shape.dim)
        self.progress = torch.nn.Linear(shape.state, 1)

    def forward(self, images: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        chunk: torch.Tensor = self.chunk(state).unflatten(1, self.rows)
        return chunk


class EstimateLearner(SupervisedLearner[ChunkConfig, Estimate]):
    network = Estimate

    def columns(self) -> Mapping[str, np.ndarray[Any, Any]]:
        return self.data.label("progress")

    def loss_of(self, net: Estimate, sample: Sample, generator: torch.Generator) -> torch.Tensor:
        wrong = (net.progress(sample.state)[:, 0] - sample.columns["progress"]).abs().mean()
        return super().loss_of(net, sample, generator) + wrong


def test_a_learner_is_given_the_labels_that_it_asks_for(dots: Any, tmp_path: Path) -> None:
    training = TrainingConfig(steps=60, evaluations=2, learning_rate=1e-2, threads=1, precision="float32")
    learner = EstimateLearner(ChunkConfig(method="estimate", horizon=10, training=training), dots)
    shown = next(learner.batches(0)).columns["progress"]
    assert shown.shape == (64,) and 0 <= shown.min() < shown.max() <= 1
    before = learner.evaluate(learner.model)["validation_loss"]
    Trainer(learner, training, tmp_path, False, Engine("cpu")).run()
    assert learner.evaluate(learner.model)["validation_loss"] < before - 0.2


class StoppedEstimate(EstimateLearner):
    """Asked to end in an evaluation; counts them."""

    asked_in: ClassVar[int] = 0

    def evaluate(self, model: torch.nn.Module) -> Mapping[str, float]:
        self.memory["begun"] = [*self.memory.get("begun", ()), 1.0]
        if len(self.memory["begun"]) == StoppedEstimate.asked_in:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
            raise AssertionError("the evaluation went on")
        return {**super().evaluate(model), "evaluations": float(len(self.memory["begun"]))}


@pytest.mark.parametrize("asked_in", [1, 3])
def test_an_evaluation_that_is_interrupted_is_given_up_at_once_and_made_first_after_a_resume(
    asked_in: int, dots: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was finished first, for up to a minute; after a resume the last one was left out."""
    plan = {"steps": 6, "evaluations": 3, "threads": 1, "batch_size": 8, "precision": "float32"}
    training = TrainingConfig.model_validate(plan | {"tensorboard": False})
    config = ChunkConfig(method="estimate", horizon=10, training=training)

    def run(name: str, resume: bool = False) -> TrainingResult:
        learner = StoppedEstimate(config, dots)
        return Trainer(learner, training, tmp_path / name, resume, Engine("cpu")).run()

    run("whole")
    monkeypatch.setattr(StoppedEstimate, "asked_in", asked_in)
    stopped = run("parts")
    assert (stopped.ended, stopped.steps) == ("interrupted", 2 * asked_in)
    monkeypatch.setattr(StoppedEstimate, "asked_in", 0)
    resumed = run("parts", resume=True)
    assert (resumed.ended, resumed.steps) == ("budget", 6)
    for file in ("weights.safetensors", "training/scores.csv", "training/loss.csv"):
        whole, parts = (tmp_path / name / file for name in ("whole", "parts"))
        assert not whole.exists() or whole.read_bytes() == parts.read_bytes(), file


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
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where no folder config holds other trainings
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
