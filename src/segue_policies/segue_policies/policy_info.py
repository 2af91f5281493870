"""What a policy declares of itself. No torch."""

from __future__ import annotations

from segue_core.contracts.lockstep import LockstepRobot
from segue_core.policy import PolicyInfo
from segue_policies.checkpoints.checkpoint import CheckpointConfig


def policy_info(config: CheckpointConfig, capabilities: frozenset[str] = frozenset()) -> PolicyInfo:
    """What a checkpoint of `config` serves."""
    space = config.space()
    return PolicyInfo(
        name=config.method,
        action_space=space,
        horizon=config.horizon,
        num_steps=config.num_steps,
        rate_hz=space.rate_hz,
        cameras=config.cameras,
        image_size=config.image_size,
        capabilities=capabilities,
        max_delay=config.settings.max_delay,
        max_ramp=config.settings.max_ramp,
        history=config.history,
    )


def blind_info(name: str, robot: LockstepRobot, horizon: int) -> PolicyInfo:
    """Of a policy that looks at no picture and lies where its reference does: any continuation without gradients."""
    return PolicyInfo(
        name=name,
        action_space=robot.action_space,
        horizon=horizon,
        num_steps=1,
        rate_hz=robot.tick_rate_hz,
        cameras=(),
        image_size=(16, 16),
        capabilities=frozenset({"per_step_guidance"}),
        max_delay=horizon,
        max_ramp=horizon,
    )
