"""The baseline without tokens: H learned questions behind the same prompt, each answered by an action's numbers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from segue_policies.methods.action_stream.config import RegressionSettings
from segue_policies.methods.action_stream.model import Prompt, PromptedNet
from segue_policies.methods.action_stream.prompted_learner import PromptedLearner
from segue_policies.methods.action_stream.prompted_policy import PromptedPolicy
from segue_policies.supervised.config import Shape
from segue_policies.supervised.sample import Description, Sample


class RegressionNet(PromptedNet):
    """The language model without its head of words."""

    def __init__(self, config: RegressionSettings, shape: Shape) -> None:
        super().__init__(config, shape)
        width = int(self.language.get_input_embeddings().embedding_dim)  # type: ignore[operator]
        self.words, self.answered = self.vocabulary, shape.horizon
        self.language.lm_head = nn.Identity()
        self.questions = nn.Parameter(0.02 * torch.randn(1, shape.horizon, width))
        self.answer = nn.Linear(width, shape.dim)

    def chunk(self, prompt: Prompt) -> Tensor:
        """Normalised actions (B, H, D)."""
        asked = self.questions.expand(len(prompt.mask), -1, -1)
        rows: Tensor = self.answer(self.behind(prompt, asked, asked.shape[1]))
        return rows


def build_regression(config: RegressionSettings, shape: Shape) -> RegressionNet:
    """A fresh network for what `shape` says."""
    return RegressionNet(config, shape)


class RegressionLearner(PromptedLearner[RegressionSettings, RegressionNet]):
    """Learns the mean absolute error."""

    def build(self) -> RegressionNet:
        """A network with fresh weights; its `look` takes maps as well as pixels."""
        return build_regression(self.config, self.shape)

    def loss_of_answer(
        self, net: RegressionNet, prompt: Prompt, sample: Sample, generator: torch.Generator
    ) -> Tensor:
        """Of the rows that were demonstrated, a scalar."""
        return self.error(net.chunk(prompt), sample.actions, sample.real)

    def describe(self) -> Description:
        """As of every method of one pass, with the base."""
        return replace(super().describe(), base=self.made_on())

    def sample(self, net: RegressionNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks `(B, H, D)`."""
        return net.chunk(self.prompt(net, sample))


class RegressionPolicy(PromptedPolicy[RegressionNet]):
    """One pass per answer."""

    network, settings = build_regression, RegressionSettings

    def answer(self, net: RegressionNet, prompt: Prompt) -> Tensor:
        """Normalised rows `(1, H, D)`."""
        return net.chunk(prompt)
