"""A policy that answers a prompt with a whole chunk."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from segue_core.contracts.base import parse_model
from segue_core.policy import PredictRequest
from segue_policies.checkpoints.bases import refuse_other_base
from segue_policies.checkpoints.checkpoint import Checkpoint, CheckpointConfig, inspect_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.methods.action_stream.base import Trained, trained_names
from segue_policies.methods.action_stream.config import PromptedSettings
from segue_policies.methods.action_stream.instructions import padded
from segue_policies.methods.action_stream.model import Prompt, PromptedNet
from segue_policies.supervised.config import Shape
from segue_policies.supervised.policy import Seen, SupervisedPolicy
from segue_policies.training.warm_start import take_weights
from segue_policies.vision.config import given_by

PromptedT = TypeVar("PromptedT", bound=PromptedNet)


class OnBase(SupervisedPolicy):
    """A policy whose checkpoint may be adapters of a base, which lies in another folder."""

    settings: ClassVar[type[PromptedSettings]]

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder, and its base; raises as `SupervisedPolicy`, and for another base."""
        self._elsewhere = str(deployment.options.get("base") or "")
        super().__init__(deployment)

    def _filled(self, folder: Path, checkpoint: Checkpoint) -> nn.Module:
        config = checkpoint.config
        if not config.network.get("base"):
            return super()._filled(folder, checkpoint)
        given = {"method": config.method, "horizon": config.horizon, "history": config.history}
        settings = parse_model(given | config.network, self.settings, "network")
        assert settings.base is not None
        base = settings.base.model_copy(update={"folder": self._elsewhere or settings.base.folder})
        refuse_other_base(config.base, Path(base.folder))
        net: nn.Module = type(self).network(settings.model_copy(update={"base": base}), shape_of(config))
        take_weights(Trained(net, trained_names(net)), checkpoint.weights, folder)
        return net.requires_grad_(False).eval()


def shape_of(config: CheckpointConfig) -> Shape:
    """Sizes of what the network of a checkpoint sees and answers."""
    seen, dim, times = given_by(config.encoder, config.image_size), config.space().dim, len(config.history)
    return Shape(config.cameras, seen.size, config.state_dim, config.horizon, dim, times, seen.channels)


class PromptedPolicy(OnBase, Generic[PromptedT]):
    """A method says its `network`, `settings` and `answer`."""

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder; raises as `SupervisedPolicy`."""
        super().__init__(deployment)
        config = inspect_checkpoint(deployment.folder(), deployment.method, deployment.expected)
        self._longest = parse_model(
            {**config.network, "horizon": config.horizon}, self.settings, "network"
        ).longest

    def answer(self, net: PromptedT, prompt: Prompt) -> Tensor:
        """Normalised rows `(1, H, D)`."""
        raise NotImplementedError

    def chunk(self, seen: Seen, request: PredictRequest) -> Tensor:
        """Normalised rows `(1, H, D)`; raises PolicyError for an instruction of too many words."""
        net = cast(PromptedT, self._net)
        words = padded(net.spelt(request.instruction), self._longest, request.instruction)
        ids = torch.from_numpy(words)[None].to(seen.state.device)
        return self.answer(net, net.prompt(seen.images, seen.state, ids))
