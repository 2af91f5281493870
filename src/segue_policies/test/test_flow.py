"""Laws of Legato's flow."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from segue_core.schedule import guidance_schedule
from segue_policies.guidance import rtc
from segue_policies.methods.flow import path
from segue_policies.methods.flow.path import (
    LegatoSteps,
    interpolant,
    legato_velocity,
    mixture,
    sample,
    target_velocity,
)
from segue_policies.methods.flow.schedules import linear_schedule, random_schedules
from segue_policies.methods.flow.variants.one_shot import sample_one_shot

H, D = 12, 3
guidance = st.lists(st.floats(0, 1, width=32), min_size=H, max_size=H).map(
    lambda w: torch.tensor(w, dtype=torch.float64)
)
steps = st.integers(1, 20)
seeds = st.integers(0, 2**31)


def pair(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    actions, noise = torch.randn(2, 4, H, D, generator=generator, dtype=torch.float64)
    return actions, noise


@given(guidance, steps, seeds)
def test_the_recurrence_is_exact_in_discrete_time_for_every_omega_and_n(
    omega: Tensor, n: int, seed: int
) -> None:
    actions, noise = pair(seed)
    visited: list[Tensor] = []

    def oracle(y: Tensor, t: Tensor, w: Tensor) -> Tensor:
        visited.append(y)
        return target_velocity(actions, noise, w, t, n)

    chunk = sample(oracle, noise, omega, actions, n)
    for k, y in enumerate(visited):
        expected = actions - (1 - omega[:, None]) * (1 - k / n) * (actions - noise)
        torch.testing.assert_close(y, expected, atol=1e-9, rtol=0)
        torch.testing.assert_close(y, interpolant(actions, noise, omega, k / n), atol=1e-9, rtol=0)
    torch.testing.assert_close(chunk, actions, atol=1e-9, rtol=0)


@given(guidance, steps, seeds)
def test_the_overlap_moves_to_another_reference_in_proportion_to_omega(
    omega: Tensor, n: int, seed: int
) -> None:
    actions, noise = pair(seed)
    offset = torch.ones_like(actions)
    chunk = sample(
        lambda y, t, w: target_velocity(actions, noise, w, t, n), noise, omega, actions + offset, n
    )
    moved = 1 - (1 - omega) ** n  # the offset enters N times, each time thinned by (1 - omega)
    torch.testing.assert_close(chunk - actions, moved[:, None] * offset, atol=1e-9, rtol=0)


@given(guidance, st.floats(0, 0.99), steps, seeds)
def test_the_velocity_of_the_right_prediction_is_the_target_at_every_point_of_the_path(
    omega: Tensor, t: float, n: int, seed: int
) -> None:
    actions, noise = pair(seed)
    on_path = interpolant(actions, noise, omega, t)
    velocity = legato_velocity(actions, on_path, noise, omega, t, n)
    torch.testing.assert_close(velocity, target_velocity(actions, noise, omega, t, n), atol=1e-8, rtol=0)


@given(guidance, steps, seeds)
def test_a_wrong_prediction_moves_a_row_the_less_the_more_it_is_guided(
    omega: Tensor, n: int, seed: int
) -> None:
    actions, noise = pair(seed)

    def end(offset: float) -> Tensor:
        return sample(
            lambda y, t, w: legato_velocity(actions + offset, y, noise, w, t, n), noise, omega, actions, n
        )

    torch.testing.assert_close(end(0.0), actions, atol=1e-8, rtol=0)
    moved = (end(1.0) - actions)[0, :, 0]
    torch.testing.assert_close(moved[omega == 1], torch.zeros_like(moved[omega == 1]), atol=1e-9, rtol=0)
    torch.testing.assert_close(moved[omega == 0], torch.ones_like(moved[omega == 0]))
    assert (moved >= -1e-9).all() and (moved <= 1 + 1e-9).all()
    assert (torch.diff(moved[omega.argsort()]) <= 1e-8).all()


@given(st.floats(0, 1), steps, seeds)
def test_omega_zero_is_plain_flow_matching(t: float, n: int, seed: int) -> None:
    actions, noise = pair(seed)
    free = torch.zeros(H, dtype=torch.float64)
    assert torch.equal(mixture(actions, noise, free), noise)
    torch.testing.assert_close(interpolant(actions, noise, free, t), (1 - t) * noise + t * actions)
    torch.testing.assert_close(target_velocity(actions, noise, free, t, n), actions - noise)


@given(steps, seeds)
def test_omega_one_returns_the_reference_to_the_oracle_and_to_plain_fields(n: int, seed: int) -> None:
    reference, noise = pair(seed)
    full = torch.ones(H, dtype=torch.float64)
    held = sample(lambda y, t, w: target_velocity(reference, noise, w, t, n), noise, full, reference, n)
    torch.testing.assert_close(held, reference, atol=1e-9, rtol=0)
    still = sample(lambda y, t, w: torch.zeros_like(y), noise, full, reference, n)
    assert torch.equal(still, reference)


@given(guidance, seeds)
def test_time_may_be_a_number_a_scalar_or_one_value_per_sample(omega: Tensor, seed: int) -> None:
    actions, noise = pair(seed)
    times = torch.tensor([0.1, 0.4, 0.5, 0.9], dtype=torch.float64)
    together = target_velocity(actions, noise, omega, times, 5)
    for index, t in enumerate(times):
        alone = target_velocity(actions[index], noise[index], omega, float(t), 5)
        torch.testing.assert_close(together[index], alone)
        torch.testing.assert_close(target_velocity(actions[index], noise[index], omega, t, 5), alone)


def test_one_shot_forgets_the_reference_where_legato_keeps_it() -> None:
    reference, noise = pair(1)
    full = torch.ones(H, dtype=torch.float64)
    drift = torch.ones_like(reference)
    guided = sample(lambda y, t, w: drift, noise, full, reference, 5)
    once = sample_one_shot(lambda y, t, w: drift, noise, full, reference, 5)
    assert (guided - reference).abs().max() == pytest.approx(0.2)
    assert (once - reference).abs().max() == pytest.approx(1.0)


@given(st.integers(0, 10), st.integers(0, 50))
def test_training_schedules_are_the_scheduler_s_schedules(delay: int, ramp: int) -> None:
    batched = linear_schedule(torch.tensor([delay]), torch.tensor([ramp]), 60)
    np.testing.assert_allclose(batched[0].numpy(), guidance_schedule(60, delay, ramp), atol=1e-6)


def test_random_schedules_cover_the_range_and_the_free_chunk() -> None:
    drawn = random_schedules(4000, 60, 10, 50, 0.15, torch.Generator().manual_seed(0))
    assert drawn.min() == 0.0 and drawn.max() == 1.0
    free = (drawn.sum(dim=1) == 0).float().mean().item()
    assert free == pytest.approx(0.15, abs=0.03)
    delays = (drawn == 1.0).sum(dim=1)
    assert set(delays.tolist()) == set(range(11))


@pytest.mark.parametrize("rows", [(3, H), (H,)])
def test_the_velocities_of_all_steps_at_once_are_those_of_each_step(rows: tuple[int, ...]) -> None:
    clean, noisy, noise = torch.randn(3, 3, H, D)
    omega = torch.rand(rows)
    steps = LegatoSteps(noise, omega, 5)
    for t in (0.0, 0.2, 0.4, 0.6, 0.8, 0.37):
        expected = legato_velocity(clean, noisy, noise, omega, t, 5)
        torch.testing.assert_close(
            steps.velocity(clean, noisy, torch.tensor(t)), expected, atol=1e-5, rtol=1e-5
        )


def test_the_public_paths_name_the_same_functions() -> None:
    # others import these, whatever is moved inside
    public = importlib.import_module(".".join(("segue_policies", "legato", "flow")))
    for name in ("mixture", "interpolant", "target_velocity", "sample"):
        assert getattr(public, name) is getattr(path, name)
    guidance = importlib.import_module(".".join(("segue_policies", "common", "guidance")))
    assert guidance.rtc_sample is rtc.rtc_sample
