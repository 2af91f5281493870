"""Every continuation on the plane: how often a new chunk changes its mind, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from segue_core.chunk import ActionChunk
from segue_core.scheduler_config import SchedulerConfig
from segue_eval.rollout import run_episode
from segue_eval.statistics import Estimate, estimate
from segue_eval.synthetic.training import FLOW
from segue_eval.synthetic.world import PLANE, PointPlant, side_of
from segue_policies.methods.flow.policy import FlowPolicy
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.tick import TickInput, TickOutput

POLICY_OF: Mapping[str, str] = {
    "synchronous": "flow",
    "naive_async": "flow",
    "temporal_ensemble": "flow",
    "reverse_temporal_ensemble": "flow",
    "linear_blend": "flow",
    "omega_blend": "flow",
    "bidirectional_decoding": "flow",
    "rtc": "flow",
    "training_time_rtc": "training_time_rtc",
    "one_shot": "one_shot",
    "vlash": "vlash",
    "legato": "legato",
}
"""Continuation to the variant that its policy is trained with; the task has no pictures for a world model."""

DELAY, STRIDE, TIME_LIMIT_S = 8, 8, 4.0


@dataclass(frozen=True)
class Row:
    """One continuation: mode switches per episode, overlap RMSE [m], seam jump [m], share of successes."""

    continuation: str
    policy: str
    switches: Estimate
    overlap_rmse: Estimate
    seam_jump: Estimate
    success: Estimate

    def to_dict(self) -> dict[str, object]:
        """Plain data."""
        return asdict(self)


class Switches:
    """Counts the splices at which the new chunk passes on another side than the one before; watches a rollout."""

    def __init__(self) -> None:
        self.count = 0
        self._arrived: dict[int, ActionChunk] = {}
        self._side = 0

    def __call__(self, inputs: TickInput, output: TickOutput) -> None:
        """One tick."""
        self._arrived |= {chunk.sequence: chunk for chunk in inputs.chunks}
        if output.seam is None:
            return
        side = side_of(self._arrived[output.seam.sequence].actions)
        self.count += side * self._side < 0
        self._side = side or self._side


def run_continuation(continuation: str, policy: FlowPolicy, seeds: Iterable[int], delay: int = DELAY) -> Row:
    """Roll one continuation out over `seeds` in lockstep, every answer `delay` ticks late."""
    config = SchedulerConfig(
        continuation=continuation, horizon=FLOW.horizon, stride=STRIDE, delay=delay, time_limit_s=TIME_LIMIT_S
    )
    plant, switches, results = PointPlant(), [], []
    for seed in seeds:
        watch = Switches()
        scheduler = ChunkScheduler(config, PLANE, policy.info, seed=seed)
        results.append(run_episode(plant, policy, scheduler, PLANE, seed, on_tick=watch))
        switches.append(float(watch.count))
    return Row(
        continuation,
        policy.info.name,
        estimate(switches),
        estimate(result.overlap_rmse for result in results),
        estimate(result.seam_jump for result in results),
        estimate(float(result.success) for result in results),
    )


def table(rows: Iterable[Row]) -> str:
    """Plain text, one line per continuation."""
    lines = [
        f"{'continuation':24}{'policy':20}{'switches':>14}{'RMSE x1e3':>16}{'jump x1e3':>16}{'success %':>14}"
    ]
    for row in rows:
        cells = (row.overlap_rmse.scaled(1e3), row.seam_jump.scaled(1e3))
        success = row.success.scaled(100)
        lines.append(
            f"{row.continuation:24}{row.policy:20}{row.switches.text(2):>14}"
            f"{cells[0].text(1):>16}{cells[1].text(1):>16}{success.text(0):>14}"
        )
    return "\n".join(lines)
