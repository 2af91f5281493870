"""The training loop that every method shares.

    batch -> loss -> clip -> AdamW (warm-up, cosine) -> moving average
    at regular shares of the budget: evaluate the average on held-out episodes, save checkpoint and state
    every half minute and at the end: draw curves

A step depends on the seed, its number and the weights only, and an evaluation that was given up is made first, so a
resumed run with a `steps` budget equals one that was never interrupted. Device and processes are the engine's; every
process holds the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.training.averaging import MovingAverage
from segue_policies.training.budget import Budget, learning_rate
from segue_policies.training.config import TrainingConfig
from segue_policies.training.curves import Curves
from segue_policies.training.engine import Engine
from segue_policies.training.interrupts import StopRequest
from segue_policies.training.optimiser import ParameterGroup, make_optimiser
from segue_policies.training.patience import Patience
from segue_policies.training.precision import Chosen, autocast, choose_precision
from segue_policies.training.run_state import TrainingState, load_state, save_state
from segue_policies.training.state_numbers import BEGINNING
from segue_policies.training.tensorboard import EventLog

BatchT = TypeVar("BatchT")
_DRAWN_EVERY_S = 30.0  # a picture takes half a second, which a short training has for its steps


class Learner(Protocol[BatchT]):
    """What a method brings to the loop; its batches are of any class."""

    memory: dict[str, list[float]]
    """What evaluations leave for later ones, as JSON; carried over a resume."""

    @property
    def model(self) -> nn.Module:
        """The weights to train."""
        ...

    def parameter_groups(self) -> Sequence[ParameterGroup]:
        """What of the weights is trained, and how fast; see `optimiser.usual_groups`."""
        ...

    def batches(self, first: int) -> Iterator[BatchT]:
        """Endless training batches from number `first` on, of `training.part_size` observations."""
        ...

    def loss(self, batch: BatchT, number: int) -> Tensor:
        """Loss of batch `number`, a scalar; randomness from that only."""
        ...

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Scores of `model` on held-out episodes, by name with unit; may be interrupted, and then is called again."""
        ...

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint of `model`."""
        ...


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Args:
        steps: optimiser steps made, over all resumes.
        seconds: time taken, over all resumes.
        scores: of the last evaluation.
        precision: of the forward pass.
        ended: "budget", "patience", or "interrupted" by a signal, with the state saved.
        samples_per_s: of this run, evaluations and saving included.
    """

    steps: int
    seconds: float
    scores: Mapping[str, float]
    precision: str
    ended: str
    samples_per_s: float


class Trainer:
    """Trains one learner into one folder."""

    def __init__(
        self, learner: Learner[Any], config: TrainingConfig, out: Path, resume: bool, engine: Engine
    ) -> None:
        """`out` receives the checkpoint, and under `training/` the state, log and curves."""
        torch.set_num_threads(config.threads)
        self._learner, self._config, self._out, self._engine = learner, config, out, engine
        learner.model.to(engine.device)
        self._average = MovingAverage(learner.model, config.average_decay)
        self._optimiser = make_optimiser(learner.parameter_groups(), config)
        self._budget = Budget.of(config, engine.processes)
        self._scores: Mapping[str, float] = {}
        numbers = load_state(out / "training", self._trained) if resume else BEGINNING
        learner.memory = dict(numbers.memory)
        self._budget.step, self._budget.elapsed_s = numbers.step, numbers.elapsed_s
        self._evaluations = self._evaluations_due - numbers.unevaluated
        self._patience = Patience(config.patience, numbers.best, numbers.without)
        self._precision = engine.agreed(numbers.precision or self._choose_precision())
        engine.prepare(learner.model, learner.loss, self._optimiser)
        self._curves = Curves(out / "training", first=engine.first)
        self._curves.cut(self._budget.step)
        self._curves.go_on(numbers.unlogged)
        self._drawn_s = self._budget.elapsed_s
        events = config.tensorboard and engine.first
        self._events = EventLog(out / "training" / "tensorboard", self._budget.step, events)

    @property
    def _trained(self) -> TrainingState:
        return TrainingState(self._learner.model, self._average.model, self._optimiser)

    def run(self) -> TrainingResult:
        """Train until the budget is used up, patience ends, or a signal asks to stop, and the state is saved.

        Raises:
            PolicyError: TRAINING_FAILED when the loss is no longer finite.
        """
        before = Budget(self._budget.steps, None, self._budget.step, self._budget.elapsed_s)
        self._budget.start()
        with (
            self._events,
            closing(self._learner.batches(self._budget.step * self._config.accumulate)) as batches,  # type: ignore[type-var]
            self._bar() as bar,
        ):
            ended = self._loop(batches, bar)
        self._draw()
        samples = (self._budget.step - before.step) * self._config.batch_size
        speed = samples / max(self._budget.elapsed_s - before.elapsed_s, 1e-9)
        return TrainingResult(
            self._budget.step, self._budget.elapsed_s, self._scores, self._precision, ended, speed
        )

    def _loop(self, batches: Iterator[Any], bar: tqdm[Any]) -> str:
        with StopRequest() as stop:
            while True:
                if self._asked(stop) or not self._evaluated(stop, bar):
                    self._save_state()
                    return "interrupted"
                if self._budget.done:
                    return "budget"
                if self._patience.exhausted:
                    return "patience"
                self._report(bar, self._step(batches))

    @property
    def _evaluations_due(self) -> int:
        return math.floor(self._budget.used * self._config.evaluations)

    def _asked(self, stop: StopRequest) -> bool:
        """Whether to stop now; several processes agree on it every 20 steps."""
        if self._engine.processes > 1 and self._budget.step % 20:
            return False
        return self._engine.agreed(stop.made)

    def _step(self, batches: Iterator[Any]) -> float:
        rate = learning_rate(self._budget.used, self._config)
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["share"]
        with autocast(self._precision, self._engine.device.type):
            parts, clip = self._config.accumulate, self._config.gradient_clip
            loss, norm = self._engine.descend(batches, self._budget.step * parts, clip, parts)
        self._budget.advance()
        self._average.update(self._learner.model, self._budget.step)
        value = self._engine.mean(loss).item()
        if not math.isfinite(value):
            raise PolicyError(ErrorCode.TRAINING_FAILED, f"loss is {value} at step {self._budget.step}")
        self._curves.add_loss(self._budget.step, value, rate)
        if self._budget.step % self._curves.every == 0:
            logged = {"loss": value, "learning_rate": rate, "gradient_norm": float(norm)}
            self._events.add(self._budget.step, {f"train/{k}": v for k, v in logged.items()})
        return value

    def _evaluated(self, stop: StopRequest, bar: tqdm[Any]) -> bool:
        """Evaluate and write if that is due; False when asked to stop before the scores are there."""
        if self._evaluations_due <= self._evaluations:
            return True
        scores = self._engine.agreed(self._scores_now(stop) if self._engine.first else None)
        if scores is None:
            return False
        self._evaluations, self._scores = self._evaluations_due, scores
        self._checkpoint(bar)
        return True

    def _scores_now(self, stop: StopRequest) -> Mapping[str, float] | None:
        before = dict(self._learner.memory)
        try:
            with stop.at_once():
                return dict(self._learner.evaluate(self._average.model))
        except KeyboardInterrupt:
            self._learner.memory = before
            return None

    def _checkpoint(self, bar: tqdm[Any]) -> None:
        """The first process writes; what it decides is told to the others."""
        better = self._patience.better(self._scores)
        if self._engine.first:
            self._curves.add_scores(self._budget.step, self._scores)
            if self._budget.elapsed_s - self._drawn_s >= _DRAWN_EVERY_S:
                self._draw()
            self._events.add(
                self._budget.step, {f"validation/{k}": v for k, v in self._scores.items()} | self._speed()
            )
            if better or self._config.keep == "last":
                self._learner.save(self._average.model, self._out, self.summary())
            self._save_state()
            text = ", ".join(f"{name} {value:.4g}" for name, value in self._scores.items())
            bar.write(f"step {self._budget.step} ({self._budget.elapsed_s / 60:.1f} min): {text}")

    def _draw(self) -> None:
        if self._engine.first:
            self._drawn_s = self._budget.elapsed_s
            self._curves.draw()

    def _save_state(self) -> None:
        if self._engine.first:
            numbers = {k: v for k, v in self.summary().items() if k != "scores"}
            numbers |= {"best": self._patience.best, "without": self._patience.without}
            numbers |= {"unlogged": self._curves.unlogged, "memory": self._learner.memory}
            numbers |= {"unevaluated": self._evaluations_due > self._evaluations}
            save_state(self._out / "training", self._trained, numbers)

    def _speed(self) -> dict[str, float]:
        samples = self._budget.step * self._config.batch_size
        return {"train/samples_per_s": samples / max(self._budget.elapsed_s, 1e-9)}

    def summary(self) -> dict[str, Any]:
        """Where the run stands."""
        return {
            "step": self._budget.step,
            "elapsed_s": round(self._budget.elapsed_s, 1),
            "precision": self._precision,
            "scores": dict(self._scores),
        }

    def _report(self, bar: tqdm[Any], loss: float) -> None:
        left = self._budget.remaining_s
        (rate,) = self._speed().values()
        bar.n = round(1000 * min(1.0, self._budget.used))
        bar.set_postfix_str(
            f"loss {self._curves.recent_loss:.4f}, {rate:.0f} obs/s, {max(left, 0.0) / 60:.1f} min left",
            refresh=False,
        )
        bar.update(0)

    def _bar(self) -> tqdm[Any]:
        return tqdm(
            total=1000,
            desc="training",
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix}",
            mininterval=2.0,
            disable=not self._engine.first,
        )

    def _choose_precision(self) -> Chosen:
        if self._config.precision != "auto":
            return self._config.precision
        return choose_precision("auto", self._dry_step(), device=self._engine.device.type)

    def _dry_step(self) -> Any:
        def step() -> None:
            torch.autograd.backward(self._learner.loss(batch, 0))
            self._optimiser.zero_grad()

        with closing(self._learner.batches(0)) as batches:  # type: ignore[type-var]
            batch = next(batches)
        return step
