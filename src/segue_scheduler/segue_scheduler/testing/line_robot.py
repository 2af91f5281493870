"""A one-dimensional robot, and schedulers that are quick to build."""

from typing import Any

from segue_core.action_space import ActionSpace, Channel, ChannelKind
from segue_core.policy import CAPABILITIES
from segue_core.scheduler_config import SchedulerConfig
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.scripted_policy import policy_info

SPACE = ActionSpace("line", 30.0, (Channel("x", ChannelKind.POSITION, 1, "m", (-1e6,), (1e6,)),))


def scheduler(
    capabilities: frozenset[str] = CAPABILITIES,
    seed: int = 0,
    space: ActionSpace = SPACE,
    shortest: int = 1,
    **config: Any,
) -> ChunkScheduler:
    """A scheduler over `SPACE` (H, s, d = 60, 30, 8 unless told otherwise) that never runs out of time."""
    settings = SchedulerConfig(**{"time_limit_s": 3600.0} | config)
    info = policy_info(space, settings.horizon, capabilities, shortest)
    return ChunkScheduler(settings, space, info, seed)
