"""The progress estimator in the shared training loop: L1 on t / T, judged along whole held-out demonstrations.

held-out demonstrations    every other one calibrates the threshold of the learned stop
                           the rest scores estimator and threshold
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_core.progress.estimator import period_ticks
from segue_core.progress.traces import ProgressTrace
from segue_policies.checkpoints.provenance import pretrained
from segue_policies.methods.progress_vla.build import build_network
from segue_policies.methods.progress_vla.config import ProgressConfig
from segue_policies.methods.progress_vla.info import KEY, stop_record
from segue_policies.methods.progress_vla.judging import judge
from segue_policies.methods.progress_vla.plot import draw_calibration
from segue_policies.networks.pretrained import VisionTrunk
from segue_policies.networks.words import word_rows
from segue_policies.samples.batches import Batch, Column
from segue_policies.samples.demonstrations import ChunkDataset
from segue_policies.samples.normaliser import IMAGENET_MEAN, Normaliser, fit_absolute
from segue_policies.supervised.learner import SupervisedLearner, statistics_frames
from segue_policies.supervised.sample import Description, Sample
from segue_policies.training.seeds import seeded
from segue_policies.vision.config import given_by
from segue_policies.vision.sight import size_of

PLOT = "calibration.png"


@dataclass(frozen=True, eq=False)
class FirstSeen:
    """What the first frame of every frame's episode looks like: `seen` has a row per episode, `row` one per frame."""

    seen: NDArray[Any]
    row: NDArray[np.int64]

    def __getitem__(self, frames: NDArray[np.int64]) -> NDArray[Any]:
        """Of `frames` (n,)."""
        return np.asarray(self.seen[self.row[frames]])


class ProgressLearner(SupervisedLearner[ProgressConfig, nn.Module]):
    """See above. A checkpoint has the calibration of the evaluation before it was saved."""

    encoder_part = "stage."

    @property
    def horizon(self) -> int:
        """Nothing is commanded; a batch has the one action that its reader needs."""
        return 1

    def fit(self, part: ChunkDataset) -> Normaliser:
        """Only its picture statistics are used; a vision model expects ImageNet's."""
        data, frames = part.data, statistics_frames(part)
        images = np.asarray(data.images[frames])
        fitted = fit_absolute(data.action[frames], self.horizon, data.state[frames], images)
        if self.config.backbone_weights is None:
            return fitted
        return replace(
            fitted, image_mean=np.tile(np.array(IMAGENET_MEAN, np.float32), (len(data.cameras), 1))
        )

    def build(self) -> nn.Module:
        """A fresh network, around a vision model where one is given."""
        config, trunk, weights = self.config, None, self.config.backbone_weights
        self._base = None if weights is None else pretrained(Path(weights))
        if weights is not None:
            if config.encoder.frozen:
                text = "backbone_weights and encoder.trunk"
                raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do="give encoder.trunk=none")
            trunk = VisionTrunk.from_folder(Path(weights))
            network = config.network.model_copy(update={"backbone_config": trunk.config})
            self.config = config.model_copy(update={"network": network})
        given = given_by(self.config.encoder, size_of(self.data))
        return build_network(self.config.network, given, len(self.data.cameras), trunk)

    def columns(self) -> Mapping[str, Column]:
        """Progress, the words of the instruction, and what the first frame of the episode looks like."""
        numbers, starts, row = np.unique(
            np.asarray(self.data.episode), return_index=True, return_inverse=True
        )
        told = [self.data.instruction(int(number)) for number in numbers]
        self.instructions = tuple(dict.fromkeys(told))
        network = self.config.network
        rows = np.stack([word_rows(text, network.longest, network.word_buckets) for text in told])
        first = np.asarray(self.data.images[starts])
        maps = self.sight.encoded(first)
        return {
            "progress": self.data.label("progress")["progress"].astype(np.float32),
            "words": rows[row],
            "first": FirstSeen(first if maps is None else maps, row),
        }

    def loss_of(self, net: nn.Module, sample: Sample, generator: torch.Generator) -> Tensor:
        """Mean absolute error (Eq. 2) of a batch `(B,)`, in training with dropout."""
        with seeded(generator):
            return (self._predicted(net, sample) - sample.columns["progress"]).abs().mean()

    def _predicted(self, net: nn.Module, sample: Sample) -> Tensor:
        progress: Tensor = net(self._first(sample), sample.images, sample.columns["words"])
        return progress

    def _first(self, sample: Sample) -> Tensor:
        return self.sight.plain(sample.columns["first"])

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """On held-out demonstrations: the paper's metrics, and how the calibrated stop does; both by whole episodes."""
        config = self.config
        traces = tuple(self._traces(model))
        self.judged = judge(traces, self.data.rate_hz, config.false_stop_budget, config.done_share)
        return {"validation_loss": self.judged.scores["mae"], **self.judged.scores}

    def _traces(self, net: nn.Module) -> Iterator[ProgressTrace]:
        """Along every held-out demonstration, about five times a second of it."""
        episode = np.asarray(self.data.episode)
        frames = self.held_out.frames
        for number in np.unique(episode[frames]):
            of_it = frames[episode[frames] == number]
            start, last = np.searchsorted(episode, number), np.searchsorted(episode, number, "right") - 1
            step = int(np.median(np.diff(of_it))) if len(of_it) > 1 else 1
            seen = of_it[:: max(1, round(period_ticks(self.data.rate_hz) / step))]
            said = [
                self._along(net, part)
                for part in np.array_split(seen, -(-len(seen) // self.evaluation_batch))
            ]
            actual = self._columns["progress"][seen].astype(np.float64)
            yield ProgressTrace(seen - start, np.concatenate(said), actual, int(last - start))

    def _along(self, net: nn.Module, frames: NDArray[np.int64]) -> NDArray[np.float64]:
        batch: Batch = self.read(self.held_out, frames).to(self.device)
        sample = self._sample(batch, self.sight.plain(batch.images))
        return self._predicted(net, sample).double().cpu().numpy()

    def describe(self) -> Description:
        """Its network, its calibrated stop and its instructions."""
        found = self.judged.calibration
        return Description(
            self.config.network.model_dump(mode="json"),
            "Progress",
            f"progress in [0, 1] from the first and the present pictures; {found}",
            "every second one (the others calibrated the threshold)",
            more={KEY: stop_record(found, self.instructions)},
            base=self._base,
            kind="estimator",
        )

    def save(self, model: nn.Module, folder: Path, summary: Mapping[str, Any]) -> None:
        """The checkpoint, and the picture of its calibration."""
        super().save(model, folder, summary)
        judged = self.judged
        rate_hz, share = self.data.rate_hz, self.config.done_share
        draw_calibration(folder / PLOT, judged.calibration, judged.quiet, judged.traces, rate_hz, share)
