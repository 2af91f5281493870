"""Training-time RTC (arXiv 2512.05964): a policy that was trained to go on from a clean prefix.

    row        0 ... d-1     d ... H-1
    omega      1 ... 1       0 ... 0          a hard prefix, no ramp
    token time 1 ... 1       t ... t          in training and in every denoising step

The policy keeps the prefix at what is executing and denoises the rest. Rows 0 .. d-1 are past when the answer arrives.
"""

from collections.abc import Mapping
from typing import Any

from segue_core.sampling import TRAINING_TIME_RTC
from segue_scheduler.continuation.base import Continuation, Guided


class TrainingTimeRtc(Guided):
    """Needs a policy that was trained with prefixes, of at least the delay."""

    name = "training_time_rtc"
    sampling = TRAINING_TIME_RTC.name
    trained_lengths = True
    ramps = False


def create(options: Mapping[str, Any]) -> Continuation:
    """Registry entry."""
    return TrainingTimeRtc(options)
