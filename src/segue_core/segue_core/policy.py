"""The seam between the scheduler and every policy."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_core.arrays import Floats, Rgb
from segue_core.chunk import ActionChunk
from segue_core.errors import ConfigError, ErrorCode, clipped, unknown_name
from segue_core.history import MAX_LOOKBACK, check_history
from segue_core.observation import Observation
from segue_core.sampling import OUR_CAPABILITIES, declarable

STREAMING = "streaming"
"""The policy gives the rows of a chunk as they become final, see `StreamingPolicy`."""

CAPABILITIES: frozenset[str] = OUR_CAPABILITIES | {STREAMING}
"""What a policy can declare, besides the capabilities of samplings that are installed."""


MAX_HORIZON = 1024
MAX_STEPS = 1000
MAX_CAMERAS = 16
MAX_SIDE = 4096
"""Bounds of what a policy may declare: far above any policy, far below what a node could not hold in memory."""


@dataclass(frozen=True)
class PolicyInfo:
    """What a policy is and can do, declared once and checked before anything moves.

    Args:
        horizon: rows H of a chunk, 1 to `MAX_HORIZON`.
        num_steps: denoising steps N, at most `MAX_STEPS`.
        rate_hz: control rate that the rows are spaced at.
        cameras: names of the images it needs, in order.
        image_size: (width, height) in pixels, at most `MAX_SIDE` each.
        capabilities: of samplings (`segue_core.sampling`), and `STREAMING`.
        max_delay, max_ramp: longest prefix d and ramp r [ticks] seen in training; 0 without any.
        shortest: fewest rows that a chunk may have; 0: all have H.
        history: observations that come with a request, as `segue_core.history` says; (0,) is the newest alone.
        observe_every: ticks from one observation that a policy with memory is told of to the next, see `MemoryPolicy`;
            0 without memory.

    Raises:
        ConfigError: an unknown capability, or a number out of its bounds.
    """

    name: str
    action_space: ActionSpace
    horizon: int
    num_steps: int
    rate_hz: float
    cameras: tuple[str, ...]
    image_size: tuple[int, int]
    capabilities: frozenset[str]
    max_delay: int
    max_ramp: int
    shortest: int = 0
    history: tuple[int, ...] = (0,)
    observe_every: int = 0

    def __post_init__(self) -> None:
        if not self.capabilities <= CAPABILITIES:
            known = declarable(CAPABILITIES)
            for capability in sorted(self.capabilities - known):
                raise unknown_name("capability", capability, known)
        width, height = self.image_size
        for what, got, low, high in (
            ("horizon", self.horizon, 1, MAX_HORIZON), ("num_steps", self.num_steps, 0, MAX_STEPS),
            ("image width", width, 1, MAX_SIDE), ("image height", height, 1, MAX_SIDE),
            ("number of cameras", len(self.cameras), 0, MAX_CAMERAS),
            ("max_delay", self.max_delay, 0, MAX_HORIZON), ("max_ramp", self.max_ramp, 0, MAX_HORIZON),
            ("shortest", self.shortest, 0, self.horizon), ("observe_every", self.observe_every, 0, MAX_LOOKBACK),
        ):  # fmt: skip
            if not low <= got <= high:
                text = f"policy {clipped(self.name)!r}: {what}"
                raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=got, expected=f"{low} to {high}")
        check_history(self.history, f"policy {clipped(self.name)!r}: history")

    @property
    def fewest_rows(self) -> int:
        """Rows that every chunk has at least."""
        return self.shortest or self.horizon


@dataclass(frozen=True, eq=False)
class ChunkRequest:
    """What the scheduler asks for: one chunk, continuing what the robot executes meanwhile.

    Args:
        start_tick: tick that row 0 of the answer is for.
        sequence: number that the answer must carry.
        sampling: by name, see `segue_core.sampling`: "plain" or a guidance, such as "legato" or "rtc".
        omega: guidance schedule (H,) float32, 1 = follow the reference, 0 = free.
        reference: (H, D) float32, what the executing chunk says about the rows asked for.
        delay: ticks d that the answer is expected to take.
        seed: seed of the initial noise, so that a run can be repeated.
        options: settings of it by name, such as `max_guidance_weight` of "rtc"; absent ones have their default.
    """

    start_tick: int
    sequence: int
    sampling: str
    omega: NDArray[np.float32]
    reference: NDArray[np.float32]
    delay: int
    seed: int
    options: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictRequest(ChunkRequest):
    """One question to a policy: what the scheduler asks for, and what is seen.

    Args:
        observations: what the policy's `history` says, newest last: the sample at `start_tick`.
        instruction: what to do, in words; policies without language do not read it.
    """

    observations: tuple[Observation, ...]
    instruction: str = ""

    @property
    def observation(self) -> Observation:
        """The newest one."""
        return self.observations[-1]


def shown(
    request: ChunkRequest, observations: Sequence[Observation], instruction: str = ""
) -> PredictRequest:
    """The question that a scheduler's request makes together with what is seen, newest last."""
    return PredictRequest(**vars(request), observations=tuple(observations), instruction=instruction)


@dataclass(frozen=True, eq=False)
class PredictResult:
    """A chunk and the time its inference took [s] (for reports only, never for splicing).

    `notes` are sentences of the policy about this answer, for logs and reports; equal ones are counted.
    """

    chunk: ActionChunk
    inference_s: float = 0.0
    notes: tuple[str, ...] = ()


class Policy(Protocol):
    """A chunk policy. Called from one thread at a time; keeps no reference to a request after it returns."""

    @property
    def info(self) -> PolicyInfo:
        """Constant after construction."""
        ...

    def reset(self) -> None:
        """Forget the episode; called before the first request of each."""
        ...

    def predict(self, request: PredictRequest) -> PredictResult:
        """Answer for the tick asked, or raise PolicyError; equal requests give equal answers."""
        ...


class MemoryPolicy(Policy, Protocol):
    """A policy that remembers what it saw and did; `info.observe_every` says how often it is told."""

    def observe(self, observation: Observation, executed: NDArray[np.float32]) -> None:
        """Remember an observation and `executed` (n, D), what was commanded since the one before, row by tick.

        Called in order, on the thread of `predict`, from the first observation after a `reset` on, which comes with no
        rows; n is `observe_every`, and more after an observation that was lost. A request is answered by what was told
        up to its tick, never later: equal histories give equal answers. While a person has the robot it is told on, of
        what the person commands; there is no `reset` afterwards.
        """
        ...

    def fork(self) -> "MemoryPolicy":
        """One that remembers the same and can be told what is only imagined: this one hears nothing of it."""
        ...


@runtime_checkable
class CorrectedPolicy(Protocol):
    """A policy with memory that keeps more than what it is told, such as what it answered."""

    def corrected(self) -> None:
        """A person has the robot: what was answered before is not what happens. Called before it is told what does."""
        ...


def remember(policy: Policy, seen: Observation, executed: NDArray[np.float32], corrected: bool) -> None:
    """Tells a `MemoryPolicy` what was seen and done, and first that somebody else did some of it, if so."""
    if corrected and isinstance(policy, CorrectedPolicy):
        policy.corrected()
    cast(MemoryPolicy, policy).observe(seen, executed)


@runtime_checkable
class ImaginingPolicy(Protocol):
    """A policy that expects pictures, too; people are shown them, and nothing that is executed depends on them."""

    def imagined(self) -> Mapping[int, Rgb]:
        """What its last answer expects to see, by tick: (h, w, 3) uint8, the views of its cameras side by side."""
        ...


class StreamingPolicy(Policy, Protocol):
    """A policy that decodes row by row, and declares "streaming": its first rows are executed while it decodes on."""

    def stream(self, request: PredictRequest) -> Iterator[PredictResult]:
        """The answer in parts: each has all rows that are final so far, the last one is `complete`.

        Rows that were given once never change. `predict` gives the last part.
        """
        ...


@runtime_checkable
class AttentivePolicy(Policy, Protocol):
    """A policy that tells what the parts of its answer look at, for pictures; nothing that is executed asks it."""

    def attention(self, request: PredictRequest) -> Mapping[str, Floats]:
        """Shares (n, m) by title, each row's sum 1: how much part i of the answer to `request` looks at part j."""
        ...


def parts(policy: Policy, request: PredictRequest) -> Generator[PredictResult]:
    """The answer of any policy as it comes: of one that does not stream, in one part."""
    if STREAMING in policy.info.capabilities:
        yield from cast(StreamingPolicy, policy).stream(request)
    else:
        yield policy.predict(request)
