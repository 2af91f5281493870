"""Legato's flow: what is mixed, what is regressed, how a chunk is sampled (paper Alg. 1, Eq. 6-16).

Flow time runs from noise, `t = 0`, to data, `t = 1`. Per row, with `eta = (1 - t)(1 - omega)` the share of noise:

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
    """Action-noise mixture `omega A + (1 - omega) eps`, `(..., H, D)`, the start of the path (Eq. 6)."""
    weight = per_row(omega)
    return weight * actions + (1 - weight) * noise


def interpolant(actions: Tensor, noise: Tensor, omega: Tensor, t: Tensor | float) -> Tensor:
    """Point `Y_t` `(..., H, D)` on the straight path from the mixture to the clean actions (Eq. 7)."""
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
    """Regression target `(1 - kappa (1 - t)) (A - eps)`, `(..., H, D)` (Eq. 15).

    Depends on N: sample with the N of the training.
    """
    return velocity_scale(omega, t, num_steps, actions) * (actions - noise)


def legato_velocity(
    clean: Tensor, noisy: Tensor, noise: Tensor, omega: Tensor, t: Tensor | float, num_steps: int
) -> Tensor:
    """The reshaped velocity that a predicted clean chunk `A_hat` means, for t below 1.

        f = (1 - N omega (1 - t)) [ (A_hat - Y) / (1 - t) + omega (A_hat - eps) ]

    On the path `(A - Y) / (1 - t) = (1 - omega)(A - eps)`, so with `A_hat = A` this is Eq. 15 for every omega, and with
    omega 0 it is the plain velocity. `eps` is the noise that the path began with, which a sampler knows. The shorter
    `(1 - N omega (1 - t)) (A_hat - Y) / eta` is Eq. 15 too, and divides the hold on the reference away off the path.
    A prediction that is wrong by delta moves a row of the sampled chunk by, in deltas (N = 5):

        omega                 1      0.96   0.8    0.5    0.2    0
        this                  0      0.02   0.13   0.48   0.90   1
        through eta >= 0.04   0     -0.11   1      1      1      1
    """
    row, left = per_row(omega), 1 - time_like(t, noisy)
    scale = velocity_scale(omega, t, num_steps, noisy)
    return scale * ((clean - noisy) / left + row * (clean - noise))


class LegatoSteps:
    """`legato_velocity` at the N steps of one omega and noise; what no prediction changes is computed once."""

    def __init__(self, noise: Tensor, omega: Tensor, num_steps: int) -> None:
        """Noise `(..., H, D)`, omega `(..., H)`."""
        self.omega, self._noise, self._num_steps = omega, noise, num_steps
        left = torch.linspace(1.0, 1.0 / num_steps, num_steps, dtype=omega.dtype, device=omega.device)
        left = left.view(-1, *[1] * noise.dim())  # 1 - t, step by step
        row = per_row(omega)
        scale = torch.rsub(left * row, 1, alpha=num_steps)
        self._of_noisy = (scale / left).unbind()
        held = scale * row
        self._of_clean = (scale / left + held).unbind()
        self._of_noise = (held * noise).unbind()

    def velocity(self, clean: Tensor, noisy: Tensor, t: Tensor) -> Tensor:
        """At scalar time `t`, which need not be a step's."""
        step = float(t) * self._num_steps
        k = round(step)
        if abs(step - k) > 1e-5 or k >= self._num_steps:
            return legato_velocity(clean, noisy, self._noise, self.omega, t, self._num_steps)
        return (
            (self._of_clean[k] * clean).sub_(self._of_noise[k]).addcmul_(self._of_noisy[k], noisy, value=-1)
        )


def guide(noisy: Tensor, omega: Tensor, reference: Tensor) -> Tensor:
    """Pull each row of `(..., H, D)` towards the reference by its omega, before every denoising step (Eq. 9)."""
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
