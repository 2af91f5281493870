"""Bidirectional decoding (BID, arXiv 2408.17355): of several sampled chunks execute the one that continues best.

    row        0 ... d-1     d ... d+r-1    d+r ... H-1
    omega      1 ... 1       falling        0 ... 0          weight of a row's disagreement
    candidate  distance = sum over rows of omega |a - reference|^2        backward coherence; the smallest wins

The policy draws the candidates in one batch and chooses: only it knows in which units a metre and a radian compare,
and one chunk instead of many crosses the wire. The mask ends with the overlap, so that rows which the reference only
repeats do not count. Forward contrast, the paper's other criterion, needs a weaker second policy and is left out.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from segue_core.sampling import BIDIRECTIONAL, BidirectionalSampling
from segue_scheduler.continuation.base import Continuation, Guided, InferenceStart


class BidirectionalOptions(BidirectionalSampling):
    """How many, and how their distance is weighted."""

    ramp_kind: Literal["linear", "exp", "zeros", "ones"] | None = Field(
        default="exp", description="fall of the weights behind the prefix; null means the scheduler's"
    )


class BidirectionalDecoding(Guided):
    """Needs a policy that can draw several chunks for one observation; no training for it."""

    name = "bidirectional_decoding"
    sampling = BIDIRECTIONAL.name

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = self.parse(options, BidirectionalOptions)

    @property
    def sampling_options(self) -> Mapping[str, float]:
        """The number of candidates."""
        return self._options.model_dump(include=set(BidirectionalSampling.model_fields))

    def ramp_kind(self, start: InferenceStart) -> str:
        """That of the options, else the run's."""
        return self._options.ramp_kind or start.ramp_kind


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return BidirectionalDecoding(options)
