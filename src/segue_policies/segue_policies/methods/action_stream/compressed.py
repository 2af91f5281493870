"""The baseline of compressed tokens: the same model behind the same prompt writes a chunk's code.

What is legal next are the codes that spell no more symbols than the chunk still lacks, so every answer is a chunk.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from segue_core.errors import ConfigError, ErrorCode
from segue_policies.methods.action_stream.compression import ChunkCode
from segue_policies.methods.action_stream.config import CompressedSettings
from segue_policies.methods.action_stream.decoding import Running
from segue_policies.methods.action_stream.loss import token_losses
from segue_policies.methods.action_stream.model import Prompt, PromptedNet
from segue_policies.methods.action_stream.prompted_learner import PromptedLearner
from segue_policies.methods.action_stream.prompted_policy import PromptedPolicy
from segue_policies.supervised.config import Shape
from segue_policies.supervised.learner import statistics_frames
from segue_policies.supervised.sample import Description, Sample


class CompressedNet(PromptedNet):
    """The one whose last `codes` tokens are a code."""

    lengths: Tensor

    def __init__(self, config: CompressedSettings, shape: Shape) -> None:
        super().__init__(config, shape)
        self.words = self.vocabulary - config.codes
        self.answered = shape.horizon * shape.dim
        self.code = ChunkCode(shape.horizon, shape.dim, config.scale, config.merges)
        self.register_buffer("lengths", torch.from_numpy(self.code.lengths), persistent=False)

    def ids(self, codes: Tensor) -> Tensor:
        """The tokens of codes of any shape."""
        return self.vocabulary - 1 - codes

    def choices(self, logits: Tensor) -> Tensor:
        """Of logits (..., V) those of codes: (..., C)."""
        return logits[..., self.vocabulary - self.code.count :].flip(-1)

    def likeliest(self, prompt: Prompt) -> Tensor:
        """Chunks (B, H, K) of the likeliest code after the other."""
        running, written = Running(self, prompt), list[Tensor]()
        left = prompt.mask.new_full((len(prompt.mask),), self.code.rows * self.code.dim)
        while True:
            fits = self.lengths <= left[:, None]
            codes = running.logits.masked_fill(~fits, -torch.inf).argmax(-1)
            written.append(torch.where(left > 0, codes, -1))
            left = left - torch.where(left > 0, self.lengths[codes], 0)
            if not left.any():
                break
            running.feed(self.ids(codes)[:, None])
        rows = torch.stack(written, dim=1).tolist()
        chunks = np.stack([self.code.decode(code for code in row if code >= 0) for row in rows])
        return torch.from_numpy(chunks).to(prompt.embedded.device)


def build_compressed(config: CompressedSettings, shape: Shape) -> CompressedNet:
    """A fresh network for what `shape` says, and the code of the settings."""
    return CompressedNet(config, shape)


class CompressedLearner(PromptedLearner[CompressedSettings, CompressedNet]):
    """A code is learned on the demonstrations, then its likelihood."""

    def build(self) -> CompressedNet:
        """A network with fresh weights for a code of the data; raises ConfigError where it should begin with others."""
        if self.config.training.init is not None:
            text, do = (
                "training.init: the code is learned on the data, so weights of another mean nothing",
                "leave it out",
            )
            raise ConfigError(ErrorCode.CONFIG_CONFLICT, text, got=self.config.training.init, do=do)
        frames = statistics_frames(self.part)
        state = torch.from_numpy(np.asarray(self.data.state[frames], np.float32))
        actions = torch.from_numpy(np.asarray(self.part.chunks(frames)[:, : self.horizon], np.float32))
        chunks = self.normaliser.encode_actions(actions, state).numpy()
        code = ChunkCode(self.horizon, chunks.shape[2], self.config.scale)
        self.merges = code.learned(chunks, self.config.codes).merges
        return CompressedNet(self.config.model_copy(update={"merges": self.merges}), self.shape)

    def loss_of_answer(
        self, net: CompressedNet, prompt: Prompt, sample: Sample, generator: torch.Generator
    ) -> Tensor:
        """The mean over the tokens of each chunk, a scalar; rows behind the end of a demonstration stand still."""
        codes = net.code.encode(sample.actions.cpu().numpy())
        width = max(map(len, codes))
        rows = [[*code, *[0] * (width - len(code))] for code in codes]
        ids = net.ids(torch.tensor(rows, device=sample.actions.device))
        written = (
            torch.arange(width, device=ids.device)
            < torch.tensor(list(map(len, codes)), device=ids.device)[:, None]
        )
        losses = token_losses(net(prompt, ids), ids) * written
        return (losses.sum(1) / written.sum(1)).mean()

    def sample(self, net: CompressedNet, sample: Sample, generator: torch.Generator) -> Tensor:
        """Chunks `(B, H, D)` of the likeliest codes."""
        return net.likeliest(self.prompt(net, sample))

    def describe(self) -> Description:
        """The settings with the code that was learned."""
        network = {**self.config.own(), "merges": [list(pair) for pair in self.merges]}
        chunk = f"chunks of {self.horizon} actions at {self.data.rate_hz:g} Hz, as a code of {len(self.merges)} merges"
        return Description(
            network, "Action Stream, compressed", chunk, "the likeliest codes", base=self.made_on()
        )


class CompressedPolicy(PromptedPolicy[CompressedNet]):
    """Writes a code per answer, which is a chunk when it is whole."""

    network, settings = build_compressed, CompressedSettings

    def answer(self, net: CompressedNet, prompt: Prompt) -> Tensor:
        """Normalised rows `(1, H, D)`."""
        return net.likeliest(prompt)
