"""Samplings: the ways in which a policy can be asked for a chunk, what each needs, and its settings.

    who            says
    continuation   which sampling its requests ask for, and with which settings
    policy         by the capabilities in its info, which samplings it answers
    request        `sampling`, by name, and `options`, settings that are not the usual ones

A sampling of another package is an entry point of the group `segue.samplings` that names its `Sampling`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.errors import unknown_name
from segue_core.registry import installed

GROUP = "segue.samplings"


class NoOptions(StrictModel):
    """Of a sampling without settings."""


class RtcSampling(StrictModel):
    """Strength of gradient guidance."""

    max_guidance_weight: float = Field(
        default=5.0,
        ge=0,
        le=1000,
        description="clip beta of the guidance weight; the authors' 5 is for 5 denoising steps, LeRobot has 10",
    )


class BidirectionalSampling(StrictModel):
    """Size of the batch that is chosen from."""

    candidates: int = Field(
        default=16, ge=1, le=256, description="chunks drawn per request; the paper's N is 16"
    )


class WorldModelSampling(StrictModel):
    """How precisely is imagined; 0 is as the policy was trained to."""

    video_until: float = Field(default=0.0, ge=0, le=1, description="flow time that pictures are denoised to")
    video_steps: int = Field(default=0, ge=0, le=100, description="denoising steps of pictures")
    action_steps: int = Field(default=0, ge=0, le=100, description="denoising steps of actions")


@dataclass(frozen=True)
class Sampling:
    """One way to be asked for a chunk.

    Args:
        name: `sampling` of a request.
        needs: the capability that a policy declares it by; empty: every policy has it.
        options: its settings.
    """

    name: str
    needs: str
    options: type[StrictModel] = NoOptions


PLAIN = Sampling("plain", "")
"""Ignores reference and omega."""

LEGATO = Sampling("legato", "per_step_guidance")
"""Mixes the reference into the state before every denoising step."""

RTC = Sampling("rtc", "gradient_guidance", RtcSampling)
"""Differentiates the sampler: pseudo-inverse guidance."""

BIDIRECTIONAL = Sampling("bidirectional", "batch_sampling", BidirectionalSampling)
"""Draws several candidates and keeps the one that continues the reference best."""

TRAINING_TIME_RTC = Sampling("training_time_rtc", "prefix_conditioning")
"""Continues a clean prefix, as it was trained to."""

ONE_SHOT = Sampling("one_shot", "initial_guidance")
"""Has the reference in its initial noise, as it was trained to."""

VLASH = Sampling("vlash", "future_state")
"""Is shown the state that is reached when the chunk begins, as it was trained to."""

WORLD_MODEL = Sampling("world_model", "world_model", WorldModelSampling)
"""Imagines from the newest observation what the executing rows lead to, and goes on from there."""

WORLD_MODEL_NAIVE = Sampling("world_model_naive", "world_model", WorldModelSampling)
"""Goes on from what was imagined together with the executing rows."""

OURS: Mapping[str, Sampling] = {
    each.name: each
    for each in (
        PLAIN,
        LEGATO,
        RTC,
        BIDIRECTIONAL,
        TRAINING_TIME_RTC,
        ONE_SHOT,
        VLASH,
        WORLD_MODEL,
        WORLD_MODEL_NAIVE,
    )
}


def find_sampling(name: str) -> Sampling:
    """The sampling called `name`, ours or installed; ConfigError when there is none."""
    if name in OURS:
        return OURS[name]
    entries = installed(GROUP)
    if name not in entries:
        raise unknown_name("sampling", name, (*OURS, *entries))
    found: Sampling = entries[name].load()
    return found


def served_by(capabilities: Collection[str]) -> tuple[str, ...]:
    """Names of our samplings that a policy with these capabilities answers."""
    return tuple(name for name, each in OURS.items() if not each.needs or each.needs in capabilities)


def needed_for(names: Iterable[str]) -> frozenset[str]:
    """Capabilities by which samplings are declared."""
    return frozenset(find_sampling(name).needs for name in names) - {""}


def declarable(others: Iterable[str]) -> frozenset[str]:
    """All capabilities that a policy can declare: those of samplings, ours and installed, and `others`."""
    return needed_for((*OURS, *installed(GROUP))) | frozenset(others)


OUR_CAPABILITIES = needed_for(OURS)
