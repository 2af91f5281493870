"""From decoded bins to rows, and from rows to the bins of a prefix, as one checkpoint reads them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segue_core.action_space import ActionSpace
from segue_core.blending import continuous
from segue_policies.methods.action_stream.beam import beam_search
from segue_policies.methods.action_stream.config import DecodingConfig
from segue_policies.methods.action_stream.decoding import chooser, decode
from segue_policies.methods.action_stream.model import Prompt, StreamNet
from segue_policies.samples.normaliser import Normaliser


def stream_units(
    net: StreamNet,
    prompt: Prompt,
    count: int,
    how: DecodingConfig,
    generator: torch.Generator,
    forced: Tensor | None = None,
) -> Iterator[Tensor]:
    """The bins (B, K) of each of `count` actions as they become final; beams are of one prompt."""
    if how.strategy == "beam":
        return beam_search(net, prompt, count, how.beams, forced, how.cached)
    return decode(net, prompt, count, chooser(how, generator), forced, how.cached)


def prefix_bins(
    net: StreamNet, normaliser: Normaliser, space: ActionSpace, rows: NDArray[np.float32], measured: Tensor
) -> Tensor:
    """The bins (1, n, K) of rows (n, D) that are executed anyway, seen from the measured state (1, S)."""
    if measured.shape[1] == space.dim:
        rows = continuous(space, rows, measured[0].cpu().numpy()).astype(np.float32)
    actions = torch.from_numpy(np.asarray(rows, np.float32))[None].to(measured)
    return net.tokens.bins(normaliser.encode_actions(actions, measured))
