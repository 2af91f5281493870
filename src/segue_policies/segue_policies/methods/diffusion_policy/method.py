"""What `diffusion_policy` is."""

from segue_core.sampling import BIDIRECTIONAL, PLAIN, RTC, needed_for
from segue_policies.method import Method

SERVED = (PLAIN.name, RTC.name, BIDIRECTIONAL.name)
"""Samplings that a checkpoint answers: those that need no training of their own."""

METHODS = (
    Method(
        name="diffusion_policy",
        policy="segue_policies.methods.diffusion_policy.policy:DiffusionPolicy",
        settings="segue_policies.methods.diffusion_policy.config:DiffusionSettings",
        network="segue_policies.methods.diffusion_policy.config:DiffusionSettings",
        learner="segue_policies.methods.diffusion_policy.learner:DiffusionLearner",
        description="Diffusion Policy: a U-Net or a transformer that draws chunks from noise, by DDPM or DDIM",
        stride=8,  # as its authors do; they execute 8 of 16 rows
        delay=4,
        capabilities=needed_for(SERVED),
    ),
)
