"""The training loop that every method shares.

    batch -> loss -> clip -> AdamW (warm-up, cosine) -> moving average
    at regular shares of the budget: evaluate the average on held-out episodes, save checkpoint and state, draw curves

A step depends on the seed, its number and the weights only, so a resumed run with a `steps` budget equals one that was
never interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from segue_core.errors import ErrorCode, PolicyError
from segue_policies.common.averaging import MovingAverage
from segue_policies.common.batches import Batch
from segue_policies.common.budget import Budget, learning_rate
from segue_policies.common.curves import Curves
from segue_policies.common.precision import autocast, choose_precision
from segue_policies.common.run_state import Trained, load_state, save_state
from segue_policies.common.training_config import TrainingConfig


class Learner(Protocol):
    """What a method brings to the loop."""

    @property
    def model(self) -> nn.Module:
        """The weights to train."""
        ...

    def batches(self, first_step: int) -> Iterator[Batch]:
        """Endless training batches from step `first_step` on."""
        ...

    def loss(self, batch: Batch, step: int) -> Tensor:
        """Scalar loss of `batch`; randomness from `step` only."""
        ...

    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """Scores of `model` on held-out episodes, by name with unit."""
        ...

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """Write a checkpoint of `model`."""
        ...


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended: steps made, seconds taken, last scores, precision used."""

    steps: int
    seconds: float
    scores: Mapping[str, float]
    precision: str


class Trainer:
    """Trains one learner into one folder."""

    def __init__(self, learner: Learner, config: TrainingConfig, out: Path, resume: bool = False) -> None:
        """`out` receives the checkpoint, and under `training/` the state, log and curves."""
        torch.set_num_threads(config.threads)
        self._learner, self._config, self._out = learner, config, out
        self._average = MovingAverage(learner.model, config.average_decay)
        self._optimiser = make_optimiser(learner.model, config)
        self._budget = Budget.of(config)
        self._curves = Curves(out / "training")
        self._scores: Mapping[str, float] = {}
        numbers = load_state(out / "training", self._trained) if resume else {}
        self._budget.step, self._budget.elapsed_s = numbers.get("step", 0), numbers.get("elapsed_s", 0.0)
        self._precision = numbers.get("precision") or choose_precision(config.precision, self._dry_step())
        self._curves.cut(self._budget.step)

    @property
    def _trained(self) -> Trained:
        return Trained(self._learner.model, self._average.model, self._optimiser)

    def run(self) -> TrainingResult:
        """Train until the budget is used up.

        Raises:
            PolicyError: TRAINING_FAILED when the loss is no longer finite.
        """
        self._budget.start()
        evaluated = math.floor(self._budget.progress * self._config.evaluations)
        with closing(self._learner.batches(self._budget.step)) as batches, self._bar() as bar:  # type: ignore[type-var]
            while not self._budget.done:
                loss = self._step(next(batches))
                self._report(bar, loss)
                due = math.floor(self._budget.progress * self._config.evaluations)
                if due > evaluated:
                    evaluated = due
                    self._checkpoint(bar)
        return TrainingResult(self._budget.step, self._budget.elapsed_s, self._scores, self._precision)

    def _step(self, batch: Batch) -> float:
        model = self._learner.model
        rate = learning_rate(self._budget.progress, self._config)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        with autocast(self._precision):
            loss = self._learner.loss(batch, self._budget.step)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), self._config.gradient_clip)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._budget.advance()
        self._average.update(model, self._budget.step)
        value = loss.item()
        if not math.isfinite(value):
            raise PolicyError(ErrorCode.TRAINING_FAILED, f"loss is {value} at step {self._budget.step}")
        self._curves.add_loss(self._budget.step, value, rate)
        return value

    def _checkpoint(self, bar: tqdm[Any]) -> None:
        self._scores = self._learner.evaluate(self._average.model)
        self._curves.add_scores(self._budget.step, self._scores)
        self._curves.draw()
        summary = self.summary()
        self._learner.save(self._average.model, self._out, summary)
        save_state(
            self._out / "training", self._trained, {k: summary[k] for k in ("step", "elapsed_s", "precision")}
        )
        text = ", ".join(f"{name} {value:.4g}" for name, value in self._scores.items())
        bar.write(f"step {self._budget.step} ({self._budget.elapsed_s / 60:.1f} min): {text}")

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
        rate = self._budget.step * self._config.batch_size / max(self._budget.elapsed_s, 1e-9)
        bar.n = round(1000 * min(1.0, self._budget.progress))
        bar.set_postfix_str(
            f"loss {self._curves.recent_loss:.4f}, {rate:.0f} obs/s, {left / 60:.1f} min left", refresh=False
        )
        bar.update(0)

    def _bar(self) -> tqdm[Any]:
        return tqdm(
            total=1000,
            desc="training",
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix}",
            mininterval=2.0,
        )

    def _dry_step(self) -> Any:
        def step() -> None:
            torch.autograd.backward(self._learner.loss(batch, 0))
            self._optimiser.zero_grad()

        with closing(self._learner.batches(0)) as batches:  # type: ignore[type-var]
            batch = next(batches)
        return step


def make_optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW that decays matrices and kernels only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
