"""Legato's flow: what is mixed, what is regressed, how a chunk is sampled (paper Alg. 1, Eq. 6-16).

Flow time runs from noise, `t = 0`, to data, `t = 1`. Per row of the chunk, with `eta = (1 - t)(1 - omega)`:

    omega     1 ... 1   r/(r+1) ... 1/(r+1)   0 ... 0
    Y_t       A ... A   (1 - eta) A + eta eps          = (1 - t)(omega A + (1 - omega) eps) + t A
    target              (1 - N omega (1 - t)) (A - eps)

Shapes: actions, noise and reference `(..., H, D)`; omega `(H,)` or `(..., H)`; `t` a number, a scalar tensor or one
value per leading batch entry. Every function works on any device and floating dtype and changes no argument.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

VelocityFn = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`velocity(Y, t, omega)`: `(..., H, D)`, scalar, `(..., H)` to `(..., H, D)`; the caller binds the observation."""

GuidedSampler = Callable[[VelocityFn, Tensor, Tensor, Tensor, int], Tensor]
"""`sampler(velocity, noise, omega, reference, num_steps)`, as `sample`."""


def per_row(omega: Tensor) -> Tensor:
    """Guidance `(..., H)` as `(..., H, 1)`, so that it multiplies action rows."""
    return omega.unsqueeze(-1)


def time_like(t: Tensor | float, actions: Tensor) -> Tensor:
    """Flow time in the dtype of `actions`, shaped to multiply them: `()` stays, `(B,)` becomes `(B, 1, 1)`."""
    time = torch.as_tensor(t, dtype=actions.dtype, device=actions.device)
    missing = 0 if time.dim() == 0 else actions.dim() - time.dim()
    return time.reshape(time.shape + (1,) * missing)


def mixture(actions: Tensor, noise: Tensor, omega: Tensor) -> Tensor:
    """Action-noise mixture `omega A + (1 - omega) eps`, the start of the path (Eq. 6)."""
    weight = per_row(omega)
    return weight * actions + (1 - weight) * noise


def interpolant(actions: Tensor, noise: Tensor, omega: Tensor, t: Tensor | float) -> Tensor:
    """Point `Y_t` on the straight path from the mixture to the clean actions (Eq. 7)."""
    time = time_like(t, actions)
    return (1 - time) * mixture(actions, noise, omega) + time * actions


def velocity_scale(omega: Tensor, t: Tensor | float, num_steps: int, like: Tensor) -> Tensor:
    """`1 - kappa (1 - t)` with `kappa = N omega`, as `(..., H, 1)`: how per-step guidance reshapes a velocity (Eq. 15).

    Between `1 - N` (a guided row at t = 0) and 1 (a free row, or t = 1).
    """
    return 1 - num_steps * per_row(omega) * (1 - time_like(t, like))


def target_velocity(
    actions: Tensor, noise: Tensor, omega: Tensor, t: Tensor | float, num_steps: int
) -> Tensor:
    """Regression target `(1 - kappa (1 - t)) (A - eps)` (Eq. 15). Depends on N: sample with the N of the training."""
    return velocity_scale(omega, t, num_steps, actions) * (actions - noise)


def noise_level(omega: Tensor, t: Tensor | float, like: Tensor) -> Tensor:
    """`eta = (1 - t)(1 - omega)` as `(..., H, 1)`: the share of noise in each row of `Y_t`."""
    return (1 - time_like(t, like)) * (1 - per_row(omega))


def velocity_gain(omega: Tensor, t: Tensor | float, num_steps: int, min_noise: float) -> Tensor:
    """`velocity_scale / max(noise_level, min_noise)`, `(..., H, 1)`: from `A_hat - Y` to the reshaped velocity."""
    row = per_row(omega)
    scale, noise = velocity_scale(omega, t, num_steps, row), noise_level(omega, t, row)
    return scale / noise.clamp(min=min_noise)


class StepGains:
    """`velocity_gain` at the N denoising steps of one omega, all computed at once: a sampler asks for each in turn."""

    def __init__(self, omega: Tensor, num_steps: int, min_noise: float) -> None:
        """Omega `(..., H)`."""
        self.omega, self._num_steps, self._min_noise = omega, num_steps, min_noise
        left = torch.linspace(1.0, 1.0 / num_steps, num_steps, dtype=omega.dtype)  # 1 - t, step by step
        left = left.view(-1, *[1] * (omega.dim() + 1))
        guided = left * per_row(omega)
        noise = (left - guided).clamp_(min=min_noise)
        self._gains = torch.rsub(guided, 1, alpha=num_steps).div_(noise).unbind()

    def at(self, t: Tensor) -> Tensor:
        """The gain `(..., H, 1)` at scalar time `t`, which need not be a step's."""
        step = float(t) * self._num_steps
        nearest = round(step)
        if abs(step - nearest) < 1e-5 and nearest < self._num_steps:
            return self._gains[nearest]
        return velocity_gain(self.omega, t, self._num_steps, self._min_noise)


def guide(noisy: Tensor, omega: Tensor, reference: Tensor) -> Tensor:
    """Pull each row towards the reference by its omega, the step before every denoising step (Eq. 9)."""
    weight = per_row(omega)
    return (1 - weight) * noisy + weight * reference


def sample(
    velocity_fn: VelocityFn, noise: Tensor, omega: Tensor, reference: Tensor, num_steps: int
) -> Tensor:
    """Draw a chunk: N times guide, then one Euler step (Alg. 1, lines 15-20).

    Args:
        velocity_fn: learned velocity; called with `(Y, t, omega)`, `t` a scalar tensor `k / N`.
        noise: `(..., H, D)`, the start `X_0`.
        omega: `(H,)` or `(..., H)`; 0 where there is no previous chunk.
        reference: `(..., H, D)`, the previous chunk aligned to the new start.
        num_steps: N of the training, at least 1.
    """
    weight = per_row(omega)
    free, pulled = 1 - weight, weight * reference  # `guide`, with what every step shares computed once
    state = noise
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        guided = free * state + pulled
        state = guided + velocity_fn(guided, time, omega) / num_steps
    return state


def sample_plain(velocity_fn: VelocityFn, noise: Tensor, num_steps: int) -> Tensor:
    """Draw a chunk from `noise` `(..., H, D)` alone, by N Euler steps with omega zero."""
    omega, state = torch.zeros_like(noise[..., 0]), noise
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        state = state + velocity_fn(state, time, omega) / num_steps
    return state


def sample_one_shot(
    velocity_fn: VelocityFn, noise: Tensor, omega: Tensor, reference: Tensor, num_steps: int
) -> Tensor:
    """Baseline: the reference enters the initial noise only (Eq. 4-5, Table A.2); arguments as for `sample`."""
    state = mixture(reference, noise, omega)
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        state = state + velocity_fn(state, time, omega) / num_steps
    return state


def sample_prefix(
    velocity_fn: VelocityFn, noise: Tensor, omega: Tensor, reference: Tensor, num_steps: int
) -> Tensor:
    """Training-time RTC (arXiv 2512.05964): rows of the prefix are clean, hence set back around every step.

    Arguments as for `sample`; `omega` is 1 on the prefix and 0 behind it. Rows behind it take plain Euler steps.
    """
    state = guide(noise, omega, reference)
    for k in range(num_steps):
        time = torch.tensor(k / num_steps, dtype=noise.dtype, device=noise.device)
        state = guide(state + velocity_fn(state, time, omega) / num_steps, omega, reference)
    return state
