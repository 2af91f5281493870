"""One step of Legato's training, as it is and written plainly, for `segue bench train`.

    plain   pictures through copies, channels first in memory, weights too; AdamW one tensor after the other
    here    what `segue train` does

Both compute the same in float32 from the same batch, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from segue_policies.methods.flow.config import FlowSettings
from segue_policies.methods.flow.learner import FlowLearner
from segue_policies.methods.flow.model import Training
from segue_policies.samples.augmentation import light_change
from segue_policies.samples.normaliser import IMAGE_GAIN
from segue_policies.training.command.train import load_data
from segue_policies.training.optimiser import make_optimiser

Step = Callable[[], float]
_LARGEST_NORM = 1.0


class _PlainLearner(FlowLearner):
    """The same draws and the same sums, one operation and one copy each."""

    def build(self) -> Training:
        """As the learner's, weights channels first."""
        net = super().build()
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.data = layer.weight.data.contiguous()
        return net

    def shown(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """As the learner's, channels first in memory."""
        training, mean = self.config.training, torch.as_tensor(self.normaliser.image_mean).float()
        pixels = images.float() / 255.0 - mean[:, None, None, :]
        shown = (pixels * IMAGE_GAIN).movedim(-1, -3).contiguous()
        gain, level = (light_change(shown, training.brightness, training.colour, generator) for _ in range(2))
        return shown * (1 + gain) + level


def flow_steps(data: Path, batch: int) -> Mapping[str, Step]:
    """By name what does one step on the same batch and tells the loss."""
    settings = {"method": "legato", "training": {"batch_size": batch, "steps": 1, "shift_pixels": 0}}
    config, demonstrations = FlowSettings.model_validate(settings), load_data(data)
    steps: dict[str, Step] = {}
    for name, kind in (("plain", _PlainLearner), ("here", FlowLearner)):
        torch.manual_seed(0)
        steps[name] = _step(kind(config, demonstrations), fused=name == "here")
    return steps


def _step(learner: FlowLearner, fused: bool) -> Step:
    model, training = learner.model, learner.config.training
    optimiser = make_optimiser(learner.parameter_groups(), training)
    if not fused:
        optimiser = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, foreach=False)
    batch = next(learner.batches(0))

    def step() -> float:
        model.train()
        loss = learner.loss(batch, 0)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_NORM)
        optimiser.step()
        optimiser.zero_grad()
        return float(loss.detach())

    return step
