"""A trained checkpoint behind the policy protocol."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from segue_core.arrays import Floats
from segue_core.chunk import ActionChunk
from segue_core.contracts.base import parse_model
from segue_core.contracts.robot import RobotConfig
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_policies.checkpoints.checkpoint import inspect_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.methods.chain_of_action.attention import among_actions
from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.decoding import Chains, decode
from segue_policies.methods.chain_of_action.model import ChainNet, build_network
from segue_policies.methods.chain_of_action.plausible import near, plausible
from segue_policies.methods.chain_of_action.rows import ChainRows
from segue_policies.policy_info import policy_info
from segue_policies.request_checks import check_plain, not_finite
from segue_policies.supervised.policy import SupervisedPolicy


class ChainPolicy(SupervisedPolicy):
    """A chunk of as many rows as there are ticks to the keyframe: a function of the observation alone."""

    network, settings = build_network, ChainConfig

    def __init__(self, deployment: Deployment) -> None:
        """Read a checkpoint folder; raises as `SupervisedPolicy`."""
        super().__init__(deployment)
        config = inspect_checkpoint(deployment.folder(), deployment.method, deployment.expected)
        given = {"method": config.method, "horizon": config.horizon, "history": config.history}
        chain = parse_model(given | config.network, ChainConfig, "network")
        self._robot = deployment.robot if isinstance(deployment.robot, RobotConfig) else None
        self._info = _any_length(self._info)
        self._reader = ChainRows(chain, self._info.action_space, self._normaliser)
        self._reader.check(self._state_dim)

    @torch.inference_mode()
    def predict(self, request: PredictRequest) -> PredictResult:
        """One chain, in the order of time.

        Raises:
            PolicyError: another sampling than `plain`, an option, a missing or wrong image or state, a chain that is
                not finite; POLICY_IMPLAUSIBLE, one that cannot be meant.
        """
        start = time.perf_counter()
        _, chains, tool = self._decoded(request)
        reader = self._reader
        rows = self._checked(reader.actions(chains, 0, tool), tool[0].cpu().double().numpy())
        chunk = ActionChunk(rows.astype(np.float32), request.start_tick, self._info.name, request.sequence)
        ended = reader.config.order == "forward" or bool(chains.arrived[0])
        longest = f"a chain did not arrive within {reader.config.horizon} ticks and was cut"
        return PredictResult(chunk, time.perf_counter() - start, () if ended else (longest,))

    @torch.inference_mode()
    def attention(self, request: PredictRequest) -> Mapping[str, Floats]:
        """How much each action, the keyframe first, looks at those that were decoded before it; raises as `predict`."""
        context, chains, _ = self._decoded(request)
        shares = among_actions(cast(ChainNet, self._net), chains.actions[:, : int(chains.counts[0])], context)
        return {
            f"attention of actions, layer {number}": share.double().cpu().numpy()
            for number, share in enumerate(shares, start=1)
        }

    def _decoded(self, request: PredictRequest) -> tuple[Tensor, Chains, Tensor]:
        """Context, chain, and where the tool is (1, S)."""
        check_plain(request, self._info.name)
        pixels, measured = (torch.from_numpy(part)[None].to(self._device) for part in self._seen(request))
        tool = measured if measured.ndim == 2 else measured[:, -1]
        shown = self._picture_encoder.normalise(pixels)
        net, reader = cast(ChainNet, self._net), self._reader
        with self._runtime.computing(self._device):
            context = net.look(self._picture_encoder.encode(shown), self._normaliser.encode_state(measured))
            return context, decode(net, context, reader.arrived(tool), reader.config.places), tool

    def _checked(self, actions: Floats, tool: Floats) -> Floats:
        space, reader = self._info.action_space, self._reader
        if not np.isfinite(actions).all():
            raise not_finite(self._info.name, actions.astype(np.float32))
        meant = plausible(actions, reader.keyframe, space, self._robot)
        near(reader.begin(meant), tool, reader.points, reader.config.farthest)
        return space.clip(reader.rows(reader.bent(meant, tool)))


def _any_length(info: PolicyInfo) -> PolicyInfo:
    return replace(info, shortest=1)


def deployed_info(deployment: Deployment) -> PolicyInfo:
    """What a checkpoint serves; raises as `checkpoints.checkpoint.inspect_checkpoint`."""
    deployment.runtime.check()
    config = inspect_checkpoint(deployment.folder(), "chain_of_action", deployment.expected)
    return _any_length(policy_info(config))
