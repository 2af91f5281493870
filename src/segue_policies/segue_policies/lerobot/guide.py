"""Real-time chunking for LeRobot's flow policies, in the place of their own processor.

LeRobot integrates from noise at time 1 to data at time 0 along `v`, and lets a processor change `v` at every step. Its
own takes the velocity before it asks for gradients, so its correction lacks the network's Jacobian; this one is ours
(`common/guidance.py`), with `t = 1 - time` and velocity `-v`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from segue_policies.common.guidance import guidance_weight, pull


@dataclass
class Guide:
    """Stands in for `RTCProcessor`.

    Args:
        omega: (H,) mask of the error.
        reference: (1, H, D) in the policy's normalised units; wider actions of the network are padded with zeros.
        max_guidance_weight: clip beta.
    """

    omega: Tensor
    reference: Tensor
    max_guidance_weight: float

    def denoise_step(
        self,
        x_t: Tensor,
        prev_chunk_left_over: object,
        inference_delay: object,
        time: float,
        original_denoise_step_partial: Callable[[Tensor], Tensor],
        execution_horizon: object = None,
    ) -> Tensor:
        """The guided `v` at `x_t` (B, H, D'); what LeRobot passes about the previous chunk is not used."""
        missing = x_t.shape[-1] - self.reference.shape[-1]
        reference = functional.pad(self.reference, (0, missing)).to(x_t)
        t = 1.0 - float(time)
        velocity, correction = pull(
            lambda x, _: -original_denoise_step_partial(x),
            x_t,
            torch.tensor(t, dtype=x_t.dtype, device=x_t.device),
            self.omega.to(x_t),
            reference,
        )
        return -(velocity + guidance_weight(t, self.max_guidance_weight) * correction)

    def is_debug_enabled(self) -> bool:
        """Nothing is tracked."""
        return False
