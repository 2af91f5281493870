"""Action Stream in the shared training loop."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.action_stream.alignment import (
    SETTLED,
    Rewards,
    aligned,
    candidates_of,
    first_divergence,
    log_probabilities,
    rewards,
    selection,
)
from segue_policies.methods.action_stream.config import DecodingConfig, StreamSettings
from segue_policies.methods.action_stream.decoding import chooser, decode, likeliest
from segue_policies.methods.action_stream.loss import spread_losses, stream_losses
from segue_policies.methods.action_stream.model import Prompt, StreamNet, build_network
from segue_policies.methods.action_stream.prompted_learner import PromptedLearner
from segue_policies.methods.action_stream.reference import Reference
from segue_policies.supervised.sample import Description, Sample


class StreamLearner(PromptedLearner[StreamSettings, StreamNet]):
    """A sample is an observation, an instruction and the tokens of the next H actions."""

    def build(self) -> StreamNet:
        """A network with fresh weights; raises ConfigError for an alignment of nothing."""
        if self.config.phase == "alignment" and self.config.training.init is None:
            text, do = (
                "phase alignment goes on from a trained policy",
                "give training.init or a stage's `init`",
            )
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, do=do)
        return build_network(self.config, self.shape)

    def begun(self) -> None:
        """Alignment holds the policy against what it begins as, which stays."""
        self._seen: list[Tensor] = []
        if self.config.phase == "alignment":
            self._reference = Reference(self.model)

    def loss_of_answer(
        self, net: StreamNet, prompt: Prompt, sample: Sample, generator: torch.Generator
    ) -> Tensor:
        """Of the demonstrated stream, or of alignment to it, a scalar."""
        bins = net.tokens.bins(sample.actions)
        ids = net.tokens.flat(bins)
        losses = spread_losses(net(prompt, ids), ids, net.tokens, self.config.label_sigma)
        imitation = stream_losses(losses, sample.real)
        if self.config.phase == "imitation":
            return imitation.mean()
        count = min(self.config.alignment.units, self.horizon)
        found, at = self._diverged(net, prompt, sample, bins[:, :count], generator)
        return aligned(found, at, imitation, self.config.alignment.share).mean()

    def _diverged(
        self, net: StreamNet, prompt: Prompt, sample: Sample, expert: Tensor, generator: torch.Generator
    ) -> tuple[Rewards, Tensor]:
        """Rewards along the policy's own streams, and where each diverges from the expert's (B, U, K)."""
        config, count = self.config.alignment, expert.shape[1]
        choose = chooser(DecodingConfig(strategy=config.explore), generator)
        with torch.no_grad():
            own = torch.stack(list(decode(net, prompt, count, choose)), dim=1)
        before = self._reference.asked(
            net, lambda frozen: log_probabilities(frozen, self.prompt(frozen, sample), own, expert)
        )
        found = rewards(log_probabilities(net, prompt, own, expert), before, config.beta)
        at = first_divergence(found, candidates_of(own, expert, sample.real[:, :count]))
        if not net.training:
            self._keep(found, at, sample.real[:, :count])
        return found, at

    def _keep(self, found: Rewards, at: Tensor, real: Tensor) -> None:
        counted = real.float()
        means = [(each * counted).sum(1) / counted.sum(1) for each in (found.expert, found.own)]
        self._seen.append(torch.stack([*means, (at >= 0).float()], dim=1))

    @torch.inference_mode()
    def evaluate(self, model: nn.Module) -> Mapping[str, float]:
        """As of every method; in alignment with the rewards, and by the paper's rule in place of the loss."""
        self._seen = []
        scores = dict(super().evaluate(model))
        if self.config.phase == "imitation":
            return scores
        winner, loser, diverged = torch.cat(self._seen).mean(0).tolist()
        winners = [*self.memory.get("winners", ()), winner][-SETTLED:]
        losers = [*self.memory.get("losers", ()), loser][-SETTLED:]
        self.memory = {"winners": winners, "losers": losers}
        rule = {"alignment_loss": scores.pop("validation_loss")}
        rule |= {"winner_reward": winner, "loser_reward": loser, "diverged": diverged}
        return {"validation_loss": selection(winners, losers), **rule, **scores}

    def sample(self, net: StreamNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Greedy streams `(B, H, D)`, whatever the checkpoint's decoding is."""
        units = decode(net, self.prompt(net, sample), self.horizon, likeliest)
        return net.tokens.values(torch.stack(list(units), dim=1))

    def describe(self) -> Description:
        """Streams of up to the horizon; any executed prefix can be gone on from."""
        chunk = f"streams of {self.horizon} actions at {self.data.rate_hz:g} Hz, token by token"
        return Description(
            self.config.own(),
            "Action Stream",
            chunk,
            "greedy streams",
            max_delay=self.horizon - 1,
            base=self.made_on(),
        )
