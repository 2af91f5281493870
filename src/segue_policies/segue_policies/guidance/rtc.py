"""Real-time chunking: inpaint the executing chunk into a new one, at inference only (arXiv 2506.07339, Alg. 1).

    row      0 ... d-1   d ... e-1   e ... H-1         d delay, e attention horizon (H - s)
    omega    1 ... 1     falling     0 ... 0           mask of the error between estimate and reference

Every denoising step asks where the plain flow would end, `x1 = x + (1 - t) v(x, t)`, and pulls `x` so that this end
comes nearer to the reference. How `x` moves `x1` is the Jacobian of the network: its product with the masked error is
taken by automatic differentiation through the velocity. Without it the correction would be the masked error itself,
and the free rows would not hear of it. Flow time runs from noise, `t = 0`, to data, `t = 1`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from segue_core.sampling import RtcSampling
from segue_core.schedule import guidance_schedule

_MAX_WEIGHT = RtcSampling().max_guidance_weight

VelocityFn = Callable[[Tensor, Tensor], Tensor]
"""`velocity(x, t)`: `(..., H, D)` and a scalar to `(..., H, D)`; the caller binds the observation."""


def rtc_sample(
    velocity_fn: VelocityFn,
    noise: Tensor,
    reference: Tensor,
    delay: int,
    attention_horizon: int,
    num_steps: int,
    max_guidance_weight: float = _MAX_WEIGHT,
    schedule: str = "exp",
) -> Tensor:
    """Draw a chunk that continues `reference`, `(..., H, D)`.

    Args:
        velocity_fn: plain flow velocity, from noise at t = 0 to data at t = 1.
        noise: `(..., H, D)`, the start at t = 0.
        reference: `(..., H, D)`, the previous chunk aligned to the new start; ignored beyond `attention_horizon`.
        delay: rows d that are held fully; cut at the attention horizon.
        attention_horizon: row where the mask ends, `H - s`.
        num_steps: denoising steps N, at least 1.
        max_guidance_weight: clip beta of the weight, at least 0.
        schedule: shape of the mask, one of `segue_core.schedule.SCHEDULE_KINDS`.

    Raises:
        SchedulerError: a length that does not fit H. ConfigError: unknown `schedule`.
    """
    start = min(delay, attention_horizon)
    mask = guidance_schedule(noise.shape[-2], start, attention_horizon - start, schedule)
    omega = torch.from_numpy(mask).to(noise)
    return sample_masked(velocity_fn, noise, omega, reference, num_steps, max_guidance_weight)


def sample_masked(
    velocity_fn: VelocityFn,
    noise: Tensor,
    omega: Tensor,
    reference: Tensor,
    num_steps: int,
    max_guidance_weight: float = _MAX_WEIGHT,
) -> Tensor:
    """As `rtc_sample`, with a mask `omega` `(H,)` or `(..., H)`: N Euler steps along velocity plus weighted correction.

    Works with any flow velocity, trained with guidance or not; a step costs a forward and a backward pass.
    """
    state = noise
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        velocity, correction = pull(velocity_fn, state, time, omega, reference)
        weight = guidance_weight(k / num_steps, max_guidance_weight)
        state = state + (velocity + weight * correction) / num_steps
    return state


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
    """Velocity at `noisy`, and the correction, both (..., H, D).

    The correction is the masked error of `x1` times the Jacobian of `x1` in `noisy`.

    Works under `no_grad`, and under inference mode when the velocity's own tensors were made outside it.
    """
    with torch.inference_mode(False), torch.enable_grad():
        # Asked for gradients before the network sees it: the Jacobian goes through the velocity.
        start = noisy.clone() if noisy.is_inference() else noisy.detach()
        start = start.requires_grad_(True)
        velocity = velocity_fn(start, t.clone() if t.is_inference() else t)
        end = start + (1 - t) * velocity
        error = omega.unsqueeze(-1) * (reference - end.detach())
        (correction,) = torch.autograd.grad(end, start, error)
    return velocity.detach(), correction
