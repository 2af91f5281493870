"""Settings of Action Stream: the defaults are sizes for a few CPU cores, config/training has the paper's for a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from segue_core.contracts.base import StrictModel
from segue_policies.supervised.config import ChunkConfig
from segue_policies.training.lora_config import LoraConfig

Strategy = Literal["greedy", "sample", "beam"]
LEAST_WORDS = 32
"""Tokens that are left for words of instructions, at least."""


class LanguageConfig(StrictModel):
    """A Llama of this size, with random weights to begin with."""

    vocabulary: int = Field(
        default=768, ge=300, le=10**6, description="V, of which the last 257 are an action's tokens"
    )
    width: int = Field(default=128, ge=8, le=8192, description="of a token, an even multiple of heads")
    layers: int = Field(default=4, ge=1, le=64, description="decoder layers")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    feedforward: int = Field(default=384, ge=8, le=32768, description="hidden width of an MLP")

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % (2 * self.heads):
            raise PydanticCustomError(
                "width",
                "width is {got}, expected an even multiple of heads ({heads})",
                {"got": self.width, "heads": self.heads},
            )
        return self


class BaseConfig(StrictModel):
    """A pretrained language model, or an OpenVLA, that stays as it is, and the adapters that are trained in it."""

    folder: str = Field(description="folder of its weights and tokenizer, as the hub has them")
    lora: LoraConfig = LoraConfig(rank=32, alpha=16.0)


class DecodingConfig(StrictModel):
    """How tokens are chosen; whatever is set, only bins of an action are chosen from."""

    strategy: Strategy = Field(
        default="greedy",
        description="greedy: the likeliest token; sample: drawn by top_k, top_p and temperature; beam: the likeliest "
        "of `beams` streams",
    )
    beams: int = Field(default=4, ge=1, le=64, description="beam: streams kept after every action")
    top_k: int = Field(default=0, ge=0, le=256, description="sample: likeliest tokens drawn from; 0: all")
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="sample: drawn from the fewest tokens of so much probability"
    )
    temperature: float = Field(default=1.0, gt=0, le=10, description="sample: 1 as predicted, less is surer")
    units: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="actions decoded per answer, at most the horizon; absent: all",
    )
    cached: bool = Field(default=True, description="keep keys and values; without it only the speed differs")


class StreamOptions(StrictModel):
    """What a run may say of the decoding; what it does not say is as the checkpoint has it."""

    decoding: Strategy | None = Field(
        default=None,
        description="greedy: the likeliest token; sample: drawn by top_k, top_p and temperature; beam: the likeliest "
        "of `beams` streams",
    )
    beams: int | None = Field(default=None, ge=1, le=64, description="beam: streams kept after every action")
    top_k: int | None = Field(
        default=None, ge=0, le=256, description="sample: likeliest tokens drawn from; 0: all"
    )
    top_p: float | None = Field(
        default=None, gt=0, le=1, description="sample: drawn from the fewest tokens of so much probability"
    )
    temperature: float | None = Field(
        default=None, gt=0, le=10, description="sample: 1 as predicted, less is surer"
    )
    units: int | None = Field(
        default=None, ge=1, le=1024, description="actions decoded per answer, at most the horizon"
    )
    base: str | None = Field(
        default=None, description="folder of the base of adapters, where it is not where they were trained"
    )
    cached: bool | None = Field(
        default=None, description="keep keys and values; without it only the speed differs"
    )

    def over(self, trained: Mapping[str, Any]) -> dict[str, Any]:
        """The decoding of a checkpoint with what is said here in its place."""
        said = self.model_dump(exclude_none=True, exclude={"base"})
        strategy = {"strategy": said.pop("decoding")} if "decoding" in said else {}
        return {**trained, **said, **strategy}


class AlignmentConfig(StrictModel):
    """Step-wise action alignment (S-AA), the second phase."""

    beta: float = Field(default=0.1, gt=0, le=100, description="of the implicit reward (Eq. 7)")
    share: float = Field(
        default=0.9, ge=0, le=1, description="of the preference loss; the rest is imitation (the paper's 9:1)"
    )
    units: int = Field(
        default=10, ge=1, le=64, description="actions of the policy's own stream, at most the horizon"
    )
    explore: Literal["greedy", "sample"] = Field(
        default="greedy", description="how its own stream is decoded; sample: as predicted, at temperature 1"
    )


class PromptedSettings(ChunkConfig):
    """A training of a language model behind a prompt, whatever it answers in."""

    horizon: int = Field(default=10, ge=1, le=64, description="actions H of an answer")
    language: LanguageConfig = LanguageConfig()
    base: BaseConfig | None = Field(
        default=None, description="a pretrained model in place of `language`; absent: none"
    )
    state: bool = Field(
        default=True, description="one token of the prompt is the measured state; the paper has none"
    )
    longest: int = Field(
        default=24, ge=1, le=512, description="tokens of an instruction; a longer one is refused"
    )
    look: Literal["patches", "keypoints"] = Field(
        default="patches",
        description="tokens of a picture: one per patch (the paper), or behind encoder.trunk mixed soft keypoints",
    )
    backbone_width: int = Field(
        default=16, ge=4, le=256, description="channels of the image trunk's first stage"
    )
    foresight: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="weight, beside the imitation, of foretelling by the pictures alone where the hand is in 0.5 to "
        "6 s; the paper has none",
    )

    foresight_steps: int = Field(
        default=0, ge=0, description="first steps, in which the pictures' part learns to foretell alone"
    )

    @model_validator(mode="after")
    def _foretells_from_keypoints(self) -> Self:
        if self.foresight and self.look != "keypoints":
            text, said = "foresight is {got}, expected 0 unless look is keypoints", {"got": self.foresight}
            raise PydanticCustomError("foresight", text, said)
        if self.foresight_steps and not self.foresight:
            text, said = (
                "foresight_steps is {got}, expected 0 without foresight",
                {"got": self.foresight_steps},
            )
            raise PydanticCustomError("foresight_steps", text, said)
        return self


class RegressionSettings(PromptedSettings):
    """The baseline without tokens: all H actions as numbers, of one pass."""

    method: str = "action_stream_regression"


class CompressedSettings(PromptedSettings):
    """The baseline of compressed tokens."""

    method: str = "action_stream_fast"
    scale: float = Field(
        default=10.0,
        gt=0,
        le=1000,
        description="steps of a coefficient per unit; an action's error is 1/2 over it",
    )
    codes: int = Field(
        default=512,
        ge=8,
        le=65536,
        description="tokens of the code at most: rounded coefficients, and merged ones",
    )
    merges: tuple[tuple[int, int], ...] = Field(
        default=(), description="the code that a training has learned; its checkpoint has it"
    )

    @model_validator(mode="after")
    def _words_are_left(self) -> Self:
        alphabet = symbols_of(self.scale, self.horizon)
        if not alphabet <= self.codes <= self.language.vocabulary - LEAST_WORDS:
            raise PydanticCustomError(
                "codes",
                "codes is {got}, expected {low} (rounded coefficients at this scale) to {high} (language.vocabulary "
                "without words)",
                {"got": self.codes, "low": alphabet, "high": self.language.vocabulary - LEAST_WORDS},
            )
        for number, pair in enumerate(self.merges):
            if not all(0 <= code < alphabet + number for code in pair):
                raise PydanticCustomError(
                    "merges",
                    "merges: pair {number} is {got}, expected two of the {before} codes before it",
                    {"number": number, "got": str(pair), "before": alphabet + number},
                )
        return self


def symbols_of(scale: float, horizon: int) -> int:
    """How many values a rounded coefficient of a chunk in -1..1 may have: an orthonormal cosine grows by sqrt(H)."""
    return 2 * ceil(scale * sqrt(horizon)) + 1


class StreamSettings(PromptedSettings):
    """A whole training run."""

    method: str = "action_stream"
    horizon: int = Field(default=10, ge=1, le=64, description="actions H of a stream")
    phase: Literal["imitation", "alignment"] = Field(
        default="imitation",
        description="imitation: L-BC, the likelihood of demonstrated streams; alignment: S-AA, which begins with the "
        "checkpoint of imitation and holds itself against it",
    )
    label_sigma: float = Field(
        default=0.0,
        ge=0,
        le=32,
        description="standard deviation, in bins, of the label that a token is trained to; 0: the one bin (the paper)",
    )
    alignment: AlignmentConfig = AlignmentConfig()
    decoding: DecodingConfig = Field(
        default=DecodingConfig(),
        description="how the checkpoint is decoded unless a deployment says otherwise",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_units(self.decoding, self.horizon)
        return self


def check_units(decoding: DecodingConfig, horizon: int) -> None:
    """Refuse more actions than a stream was trained for."""
    if decoding.units is not None and decoding.units > horizon:
        raise PydanticCustomError(
            "units",
            "decoding.units is {got}, expected at most the {horizon} actions of the training",
            {"got": decoding.units, "horizon": horizon},
        )
