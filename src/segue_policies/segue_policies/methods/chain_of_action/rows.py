"""From what is decoded to rows of ticks, in physical units; the same for a policy and for its validation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats
from segue_core.blending import blend
from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.chain_of_action.config import ChainConfig
from segue_policies.methods.chain_of_action.decoding import Arrived, Chains
from segue_policies.methods.chain_of_action.sequence import in_time
from segue_policies.methods.chain_of_action.stopping import arrived, points_of
from segue_policies.samples.normaliser import Normaliser


@dataclass(frozen=True, eq=False)
class ChainRows:
    """What actions of chains mean."""

    config: ChainConfig
    space: ActionSpace
    normaliser: Normaliser

    @cached_property
    def points(self) -> list[int]:
        """Indices of the numbers of an action, and of a state, that say where a tool is."""
        return points_of(self.space)

    def check(self, state_dim: int) -> None:
        """Refuse a state that does not begin with where the tool is; raises ConfigError."""
        if state_dim != self.space.dim:
            text = "chain_of_action: width of the state, in which a chain looks for the tool"
            expected = f"{self.space.dim}, as an action"
            raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=state_dim, expected=expected)

    def arrived(self, state: Tensor) -> Arrived:
        """The dynamic stop of chains from measured states (B, S)."""
        tool, stop, threshold = state[:, self.points], self.config.stop, self.config.stop_distance
        order = self.config.order

        def check(number: int, first: Tensor, now: Tensor) -> Tensor:
            if order == "forward" or (order == "hybrid" and number == 1):
                return torch.zeros(len(state), dtype=torch.bool, device=state.device)
            keyframe, here = self._points(first, state), self._points(now, state)
            begin, target = (keyframe, tool) if order == "reverse" else (tool, keyframe)
            return arrived(stop, threshold, begin, target, here)

        return check

    def actions(self, chains: Chains, index: int, state: Tensor) -> Floats:
        """Chain `index` in the order of decoding, physical (n, D), to where the tool is if it ends there.

        A reverse one that did not arrive is cut where it came nearest to the tool.
        """
        count = int(chains.counts[index])
        alone, here = chains.actions[index, :count, None], state[index].expand(count, -1)
        actions: Floats = self.normaliser.decode_actions(alone, here)[:, 0].cpu().double().numpy()
        if self.config.order == "reverse" and not bool(chains.arrived[index]) and np.isfinite(actions).all():
            tool = state[index, self.points].cpu().numpy()
            nearest = int(np.argmin(np.linalg.norm(actions[:, self.points] - tool, axis=-1)))
            actions = actions[: nearest + 1]
        return actions

    def bent(self, actions: Floats, tool: Floats) -> Floats:
        """A chain (n, D) as it was decoded whose last entry is at the tool (S,) and whose first is where it was."""
        if not (self.config.bend and self.config.ends_at_tool):
            return actions
        made: Floats = actions.copy()
        share = np.linspace(0, 1, len(made))[:, None] if len(made) > 1 else np.zeros((1, 1))
        made[:, self.points] += share * (tool[self.points] - made[-1, self.points])
        return made

    def rows(self, actions: Floats) -> Floats:
        """Rows (R, D), one per tick from the present on, of a chain (n, D) as it was decoded.

        R = (n - 1) every + 1, or `shortest`: its keyframe is held behind a shorter one.
        """
        made = self._each_tick(actions)
        missing = self.config.shortest - len(made)
        if self.keyframe is None or missing <= 0:
            return made
        return np.concatenate([made, np.tile(made[-1:], (missing, 1))])

    def _each_tick(self, actions: Floats) -> Floats:
        executed = actions[:-1] if self.config.ends_at_tool and len(actions) > 1 else actions
        timed = in_time(torch.from_numpy(executed), self.config.order).numpy()
        every = self.config.every
        if every == 1 or len(timed) == 1:
            return timed
        share = np.tile(np.arange(every) / every, (len(timed) - 1, 1))  # (n - 1, every)
        before, after = (np.repeat(part[:, None], every, axis=1) for part in (timed[:-1], timed[1:]))
        between = blend(self.space, before, after, share).reshape(-1, self.space.dim)
        return np.concatenate([between, timed[-1:]])

    def begin(self, actions: Floats) -> Floats:
        """That entry (D,) of a chain as it was decoded which is nearest to the present."""
        first: Floats = in_time(torch.from_numpy(actions), self.config.order).numpy()[0]
        return first

    @property
    def keyframe(self) -> int | None:
        """Which action of a chain as it is decoded is its goal."""
        return None if self.config.order == "forward" else 0

    def _points(self, actions: Tensor, state: Tensor) -> Tensor:
        return self.normaliser.decode_actions(actions[:, None], state)[:, 0, self.points]
