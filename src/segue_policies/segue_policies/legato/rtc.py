"""Real-time chunking: inpaint the executing chunk into a new one, at inference only (arXiv 2506.07339, Alg. 1).

    row      0 ... d-1   d ... d+r-1   d+r ... H-1
    omega    1 ... 1     falling       0 ... 0          mask of the error between estimate and reference

Every denoising step asks where the plain flow would end, `x1 = x + (1 - t) v(x, t)`, and pulls `x` so that this end
comes nearer to the reference. How `x` moves `x1` is the Jacobian of the network: its product with the masked error is
taken by automatic differentiation through the velocity. Without it the correction would be the masked error itself,
and the free rows would not hear of it. Flow time runs from noise, `t = 0`, to data, `t = 1`, as in `flow.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from segue_policies.legato.flow import VelocityFn, per_row

MAX_GUIDANCE_WEIGHT = 5.0
"""The authors' clip beta in their Kinetix experiments, for 5 denoising steps."""


def guidance_weight(t: float, maximum: float) -> float:
    """Scale of the correction, `min((1 - t)/t * (t^2 + (1 - t)^2)/(1 - t)^2, maximum)` (Eq. 2, 4); `maximum` at t = 0.

    t         0     0.2    0.4    0.6    0.8         N = 5, maximum 5
    weight    5     4.25   2.17   2.17   4.25
    """
    if t <= 0:
        return maximum
    return min((t**2 + (1 - t) ** 2) / (t * (1 - t)), maximum)


def pull(
    velocity_fn: VelocityFn, noisy: Tensor, t: Tensor, omega: Tensor, reference: Tensor
) -> tuple[Tensor, Tensor]:
    """Plain velocity at `noisy`, and the correction: the masked error of `x1` times the Jacobian of `x1` in `noisy`.

    The velocity is that of a free chunk (`omega = 0` as condition); `omega` only masks the error.
    """
    with torch.enable_grad():
        start = noisy.detach().requires_grad_(
            True
        )  # before the network sees it: the Jacobian goes through it
        velocity = velocity_fn(start, t, torch.zeros_like(omega))
        end = start + (1 - t) * velocity
        error = per_row(omega) * (reference - end.detach())
        (correction,) = torch.autograd.grad(end, start, error)
    return velocity.detach(), correction


def sample_rtc(
    velocity_fn: VelocityFn,
    noise: Tensor,
    omega: Tensor,
    reference: Tensor,
    num_steps: int,
    max_guidance_weight: float = MAX_GUIDANCE_WEIGHT,
) -> Tensor:
    """Draw a chunk: N Euler steps along the velocity plus its weighted correction.

    Works with any flow velocity, trained with guidance or not; a step costs a forward and a backward pass. Call it
    under `no_grad` or not, but not in inference mode, which forbids differentiation for good.

    Args:
        velocity_fn: learned velocity; called with `(x, t, 0)`, `t` a scalar tensor `k / N`.
        noise: `(..., H, D)`, the start at t = 0.
        omega: `(H,)` or `(..., H)`, the mask; 0 where there is no previous chunk.
        reference: `(..., H, D)`, the previous chunk aligned to the new start; ignored where the mask is 0.
        num_steps: N, at least 1.
        max_guidance_weight: clip beta of the weight, at least 0; it decides the first step, where t = 0.
    """
    state = noise
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        velocity, correction = pull(velocity_fn, state, time, omega, reference)
        weight = guidance_weight(k / num_steps, max_guidance_weight)
        state = state + (velocity + weight * correction) / num_steps
    return state
