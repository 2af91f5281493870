"""What the actions of a chain look at: Fig. 7 of the paper."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from segue_policies.methods.chain_of_action.layers import DecoderLayer
from segue_policies.methods.chain_of_action.model import ChainNet


def among_actions(net: ChainNet, actions: Tensor, context: Tensor) -> Tensor:
    """Shares (layers, n, n) of a chain (1, n, D): row i, of what predicts action i, column j, of the token before j.

    Means over the heads; column 0 is the token that every chain begins with.
    """
    before = net.enter(actions)[:, :-1]
    x = torch.cat([net.begin.expand(1, 1, -1), before], dim=1)
    x = x + net.places[: x.shape[1]].to(x)
    shares = []
    for layer in (*net.shared, net.head.layer):
        shares.append(_shares(cast(DecoderLayer, layer), x))
        x = layer(x, context)
    return torch.stack(shares)


def _shares(layer: DecoderLayer, x: Tensor) -> Tensor:
    shown = layer.norms[0](x)
    queries, keys = layer.among.queries(shown), layer.among.keys(shown)[0]
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(keys.shape[-1])  # (1, heads, n, n)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
    shares: Tensor = scores.masked_fill(later, -math.inf).softmax(dim=-1).mean(dim=1)[0]
    return shares
