"""Real-time chunking (arXiv 2506.07339): inpaint the executing chunk into the new one by gradient guidance.

    row        0 ... d-1     d ... d+r-1              d+r ... H-1
    omega      1 ... 1       c (e^c - 1) / (e - 1)    0 ... 0         c = r/(r+1) ... 1/(r+1)   (Eq. 5)
    reference  what is executing, from the request's tick on, its last row repeated to H

The policy adds the pseudo-inverse guidance of this mask to every denoising step (Eq. 2-4, Alg. 1). Rows 0 .. d-1 are
past when the answer arrives. The next delay is the largest of the last few measured ones (`delay.py`).
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from segue_core.sampling import RTC, RtcSampling
from segue_scheduler.continuation.base import Continuation, Guided, InferenceStart


class RtcOptions(RtcSampling):
    """Shape of the mask and strength of the guidance."""

    ramp_kind: Literal["linear", "exp", "zeros", "ones"] | None = Field(
        default="exp", description="shape of the ramp; exp is the authors' choice; null means the scheduler's"
    )


class Rtc(Guided):
    """Needs a policy whose sampler can be differentiated; any flow policy does, with no training for it."""

    name = "rtc"
    sampling = RTC.name

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = self.parse(options, RtcOptions)

    @property
    def sampling_options(self) -> Mapping[str, float]:
        """The clip."""
        return self._options.model_dump(include=set(RtcSampling.model_fields))

    def ramp_kind(self, start: InferenceStart) -> str:
        """That of the options, else the run's."""
        return self._options.ramp_kind or start.ramp_kind


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return Rtc(options)
