"""The noise that the settings name."""

from __future__ import annotations

from segue_policies.methods.diffusion_policy.config import DiffusionConfig
from segue_policies.networks.noise_schedule import NoiseSchedule, linear, squared_cosine


def noise_schedule(config: DiffusionConfig) -> NoiseSchedule:
    """A squared cosine, or betas that rise on a line."""
    return (linear if config.schedule == "linear" else squared_cosine)(config.train_steps)
