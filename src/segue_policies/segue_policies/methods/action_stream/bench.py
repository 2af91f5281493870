"""Streams to be timed, for `segue bench tokens`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segue_core.contracts.base import parse_model
from segue_policies.checkpoints.checkpoint import read_config
from segue_policies.deployment import Deployment
from segue_policies.methods.action_stream.config import DecodingConfig, StreamSettings
from segue_policies.methods.action_stream.instructions import padded
from segue_policies.methods.action_stream.model import StreamNet, build_network
from segue_policies.methods.action_stream.policy import StreamPolicy
from segue_policies.methods.action_stream.prompted_policy import shape_of
from segue_policies.methods.action_stream.units import stream_units
from segue_policies.supervised.config import Shape
from segue_policies.vision.config import given_by

_SAID = "put the carrot on the blue pan"
_PICTURE, _DIM = (96, 72), 7
"""Of fresh weights: one camera, an arm's pose and its gripper, as the paper has them."""


class TimedStreams:
    """One network and what it sees; what decoding costs depends on neither.

    Attributes:
        actions: of the longest stream.
        tokens: of an action, with its separator.
    """

    def __init__(self, net: StreamNet, shape: Shape, settings: StreamSettings) -> None:
        self.actions, self.tokens = shape.horizon, net.tokens.per_unit
        self._net, self._longest = net.requires_grad_(False).eval(), settings.longest
        generator = torch.Generator().manual_seed(0)
        width, height = shape.image_size
        times = (shape.observations,) if shape.observations > 1 else ()
        images = torch.randn(
            1, *times, len(shape.cameras), shape.channels, height, width, generator=generator
        )
        self._seen = images, torch.randn(1, *times, shape.state, generator=generator)

    @torch.no_grad()
    def decode(self, actions: int, beams: int, kept: bool) -> Iterator[Tensor]:
        """From a picture to so many actions, each as soon as it is final; one beam is greedy."""
        net = self._net
        how = DecodingConfig(strategy="beam" if beams > 1 else "greedy", beams=beams, cached=kept)
        words = padded(net.spelt(_SAID), self._longest, _SAID)
        prompt = net.prompt(*self._seen, torch.from_numpy(words)[None])
        yield from stream_units(net, prompt, actions, how, torch.Generator())


def timed_streams(settings: Mapping[str, Any], checkpoint: Path | None) -> TimedStreams:
    """Streams of a checkpoint, or of fresh weights of a training's settings. A frozen trunk's own cost is left out.

    Raises:
        ConfigError: settings that are wrong. PolicyError: a checkpoint that is.
    """
    if checkpoint is not None:
        policy = StreamPolicy(Deployment(checkpoint, "action_stream"))
        return TimedStreams(
            policy.network_of_streams, shape_of(read_config(checkpoint)), policy.stream_settings
        )
    config = parse_model(dict(settings), StreamSettings, "settings")
    given = given_by(config.encoder, _PICTURE)
    shape = Shape(("front",), given.size, _DIM, config.horizon, _DIM, len(config.history), given.channels)
    torch.manual_seed(0)
    return TimedStreams(build_network(config, shape), shape, config)
