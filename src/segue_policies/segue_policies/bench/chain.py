"""What one inference of Chain-of-Action is made of, and of the methods it is compared with, for `segue bench chain`.

Networks have fresh weights and see noise: what they cost does not depend on either. Behind a frozen trunk the trunk's
own cost, the same for all three, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segue_policies.methods.act.build import build_network as build_act
from segue_policies.methods.act.build import map_stage
from segue_policies.methods.act.config import ActConfig
from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.decoding import decode
from segue_policies.methods.chain_of_action.model import ChainNet
from segue_policies.methods.diffusion_policy.config import DiffusionSettings
from segue_policies.methods.diffusion_policy.model import build_network as build_diffusion
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.training.command.arguments import read_settings
from segue_policies.vision.config import Given, given_by

KEPT, AGAIN, LOOK, ACT, DIFFUSION = (
    "chain", "chain, computed again for each action", "its observation alone", "act", "diffusion_policy"
)  # fmt: skip
_CAMERAS = ("front", "left_shoulder", "right_shoulder", "wrist")
_DIM = 7  # of one arm's actions and states

Size = Literal["small", "paper"]
Call = Callable[[], Tensor]


@dataclass(frozen=True)
class Sized:
    """Files of `config/training`, and the pictures of a size (width, height)."""

    chain: str
    act: str
    diffusion: str
    pictures: tuple[int, int]


SIZES: Mapping[Size, Sized] = {
    "small": Sized("chain_of_action_trunk", "act_small", "diffusion_policy_trunk", (96, 72)),
    "paper": Sized("chain_of_action_paper", "act", "diffusion_policy_full", (128, 128)),
}


def chain_calls(folder: Path, size: Size, actions: int) -> tuple[Mapping[str, Call], Mapping[str, int]]:
    """By name what does one inference, a chain of so many actions; and numbers of parameters.

    `folder` is that of the settings of trainings, `config/training`.
    """
    sized = SIZES[size]
    chain = ChainConfig.model_validate(_settings(folder, sized.chain) | {"horizon": actions, "every": 1})
    net = ChainNet(chain, _shape(chain, sized)).eval()
    look = _seen(_shape(chain, sized))
    act = _act(ActConfig.model_validate(_settings(folder, sized.act)), sized)
    diffusion = _diffusion(DiffusionSettings.model_validate(_settings(folder, sized.diffusion)), sized)

    def chains(cached: bool) -> Tensor:
        return decode(net, net.look(*look), _never, actions, cached).actions

    calls = {
        KEPT: lambda: chains(True),
        AGAIN: lambda: chains(False),
        LOOK: lambda: net.look(*look),
        ACT: act[1],
        DIFFUSION: diffusion[1],
    }
    return calls, {KEPT: _count(net), ACT: act[0], DIFFUSION: diffusion[0]}


def _act(config: ActConfig, sized: Sized) -> tuple[int, Call]:
    shape = _shape(config, sized)
    stage = map_stage(Given(shape.channels, shape.image_size))
    net = build_act(config.network, shape.state, (shape.horizon, shape.dim), stage).eval()
    seen = _seen(shape)
    return _count(net), lambda: net(*seen)


def _diffusion(config: DiffusionSettings, sized: Sized) -> tuple[int, Call]:
    shape = _shape(config, sized)
    net, seen = build_diffusion(config, shape).eval(), _seen(shape)
    noise = torch.Generator().manual_seed(0)

    def draw() -> Tensor:
        return torch.randn(1, shape.horizon, shape.dim, generator=noise)

    return _count(net), lambda: net.sample(net.observe(*seen), draw)


def _settings(folder: Path, name: str) -> dict[str, Any]:
    return read_settings(folder / f"{name}.yaml")


def _shape(config: ChunkConfig | ActConfig, sized: Sized) -> Shape:
    given, observations = given_by(config.encoder, sized.pictures), 1
    if isinstance(config, ChunkConfig):
        observations = len(config.history)
    return Shape(_CAMERAS, given.size, _DIM, config.horizon, _DIM, observations, given.channels)


def _seen(shape: Shape) -> tuple[Tensor, Tensor]:
    times = (shape.observations,) if shape.observations > 1 else ()
    width, height = shape.image_size
    return (
        torch.randn(1, *times, len(shape.cameras), shape.channels, height, width),
        torch.randn(1, *times, shape.state),
    )


def _never(number: int, first: Tensor, now: Tensor) -> Tensor:
    return torch.zeros(len(now), dtype=torch.bool)


def _count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
