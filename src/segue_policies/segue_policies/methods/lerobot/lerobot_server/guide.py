"""Real-time chunking for LeRobot's flow policies, in the place of their own processor.

LeRobot integrates from noise at time 1 to data at time 0 along `v`, and lets a processor change `v` at every step. Its
own takes the velocity before it asks for gradients, so its correction lacks the network's Jacobian. This one is
`segue_policies.guidance.rtc` written for LeRobot's direction (`t = 1 - time`, velocity `-v`); a test holds the two
together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


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
        with torch.enable_grad():
            start = x_t.detach().requires_grad_(
                True
            )  # before the network sees it: the Jacobian goes through it
            v = original_denoise_step_partial(start)
            end = start - (1 - t) * v
            error = self.omega.to(x_t).unsqueeze(-1) * (reference - end.detach())
            (correction,) = torch.autograd.grad(end, start, error)
        return v.detach() - self._weight(t) * correction

    def is_debug_enabled(self) -> bool:
        """Nothing is tracked."""
        return False

    def _weight(self, t: float) -> float:
        if t <= 0:
            return self.max_guidance_weight
        return min((t**2 + (1 - t) ** 2) / (t * (1 - t)), self.max_guidance_weight)
