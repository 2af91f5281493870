"""Do delay, stride and ramp fit the horizon and the policy? Refuse or shorten, never silently.

one chunk    |--------------- H ---------------|
executed     |------ s ------|                       until the next request
overlap                      |-- d --|-- r --|       what the next chunk is held to; d + r <= H - s
"""

from dataclasses import dataclass

from segue_core.action_space import ActionSpace
from segue_core.errors import ErrorCode, SchedulerError
from segue_core.policy import PolicyInfo
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.continuation.base import Continuation


@dataclass(frozen=True)
class Cut:
    """One of the two that does not fit, in ticks."""

    what: str
    wanted: int
    fits: int
    why: str


@dataclass(frozen=True)
class Lengths:
    """Delay and ramp to ask for [ticks], and what had to give."""

    delay: int
    ramp: int
    cuts: tuple[Cut, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for everything that had to give."""
        return tuple(f"{cut.what} shortened from {cut.wanted} to {cut.fits} ({cut.why})" for cut in self.cuts)


def check_policy(
    config: SchedulerConfig, space: ActionSpace, info: PolicyInfo, continuation: Continuation
) -> None:
    """Refuse a policy that cannot serve this scheduler.

    Raises:
        SchedulerError: SCHEDULER_CAPABILITY or SCHEDULER_POLICY_MISMATCH, naming what differs.
    """
    missing = sorted(continuation.requires - info.capabilities)
    if missing:
        raise SchedulerError(
            ErrorCode.SCHEDULER_CAPABILITY,
            f"policy {info.name!r} cannot serve continuation {continuation.name!r}: it lacks {', '.join(missing)}",
            got=", ".join(sorted(info.capabilities)) or "no capabilities",
        )
    if info.action_space.fingerprint() != space.fingerprint():
        raise _mismatch("action space", info, info.action_space.name, space.name)
    if info.rate_hz != space.rate_hz:
        raise _mismatch("rate [Hz]", info, info.rate_hz, space.rate_hz)
    if info.horizon != config.horizon:
        raise _mismatch("horizon", info, info.horizon, config.horizon)


def plan(config: SchedulerConfig, info: PolicyInfo, continuation: Continuation) -> Lengths:
    """Delay and ramp of a regular request, checked before anything moves.

    Raises:
        SchedulerError: SCHEDULER_INFEASIBLE unless the configuration says `shorten` and shortening can help.
    """
    if config.stride > config.horizon:
        raise _infeasible("stride is longer than the horizon", config, "s <= H")
    if continuation.waits:
        return Lengths(config.delay, 0)
    if config.delay > config.stride:
        raise _infeasible("an answer would take longer than a stride", config, "d <= s")
    lengths = fit(config, info, continuation, config.delay, config.horizon - config.stride)
    if lengths.cuts and config.when_infeasible == "refuse":
        said = "; ".join(
            f"{cut.what} {cut.wanted} does not fit, {cut.fits} does ({cut.why})" for cut in lengths.cuts
        )
        allowed = "d + s + r <= H, inside the policy's training range"
        raise _infeasible(said, config, allowed + _way_out(config))
    return lengths


def fit(
    config: SchedulerConfig, info: PolicyInfo, continuation: Continuation, delay: int, overlap: int
) -> Lengths:
    """Lengths for an expected `delay` when `overlap` rows are left, with what is shorter than asked."""
    cuts: list[Cut] = []
    limits = (info.max_delay, info.max_ramp) if continuation.trained_lengths else (overlap, overlap)
    claimed = min(delay, overlap, limits[0])
    if claimed < delay:
        cuts.append(Cut("delay", delay, claimed, f"{overlap} rows overlap, trained up to {limits[0]}"))
    free = max(overlap - claimed, 0)
    wanted = _wanted_ramp(config, continuation, claimed)
    ramp = min(wanted, free, limits[1])
    if ramp < wanted:
        cuts.append(Cut("ramp", wanted, ramp, f"{free} rows free, trained up to {limits[1]}"))
    return Lengths(claimed, ramp, tuple(cuts))


def _wanted_ramp(config: SchedulerConfig, continuation: Continuation, delay: int) -> int:
    if not continuation.ramps:
        return 0
    return config.ramp if config.ramp is not None else max(config.horizon - config.stride - delay, 0)


def _way_out(config: SchedulerConfig) -> str:
    """A stride that fits, where it is the stride that is too long."""
    fits = config.horizon - config.delay
    return f"; s = {fits} fits" if config.delay <= fits < config.stride else ""


def _infeasible(text: str, config: SchedulerConfig, expected: str) -> SchedulerError:
    ramp = "all that is left" if config.ramp is None else config.ramp
    got = f"d={config.delay}, s={config.stride}, r={ramp}, H={config.horizon}"
    return SchedulerError(ErrorCode.SCHEDULER_INFEASIBLE, text, got=got, expected=expected)


def _mismatch(what: str, info: PolicyInfo, got: object, expected: object) -> SchedulerError:
    text = f"policy {info.name!r} has another {what}"
    return SchedulerError(ErrorCode.SCHEDULER_POLICY_MISMATCH, text, got=got, expected=expected)
