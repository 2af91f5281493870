"""Corrections teach a policy when not to trust its own plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from segue_core.action_space import DUAL_ARM_EE, ActionSpace
from segue_core.errors import DataError
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_core.schedule import guidance_schedule
from segue_policies.methods.flow.config import FlowConfig
from segue_policies.methods.flow.path import interpolant
from segue_policies.methods.flow.variants import VARIANTS
from segue_policies.policy_loading import load_policy
from segue_policies.samples.corrections import CorrectionSource, check_corrections
from segue_policies.testing.dots import CAMERAS, STEPS, Dots, make_dots, make_settings
from segue_policies.training.command.train import train

H, D = 12, 14
DELAY, KNOWN = 3, 10
CONFIG = FlowConfig(horizon=H, max_delay=4, max_ramp=6)


@dataclass(frozen=True)
class Wrong:
    """Corrections in memory: the plan goes to the dot of another picture."""

    images: NDArray[np.uint8]
    state: NDArray[np.float32]
    reference: NDArray[np.float32]
    action: NDArray[np.float32]
    delay: int = DELAY
    known: int = KNOWN
    cameras: tuple[str, ...] = CAMERAS
    action_space: ActionSpace = DUAL_ARM_EE


def wrong_plans(dots: Dots) -> Wrong:
    """One sample per episode, at its first frame; the answer leaves the plan after DELAY rows."""
    first = np.arange(0, len(dots.state), STEPS)
    chunks = dots.action.reshape(-1, STEPS, D)
    plans = np.roll(chunks, 1, axis=0)
    reference = plans.copy()
    reference[:, KNOWN:] = plans[:, KNOWN - 1 : KNOWN]
    action = chunks.copy()
    action[:, :DELAY] = plans[:, :DELAY]
    return Wrong(dots.images[first], dots.state[first], reference, action)


@given(st.integers(0, 2**31), st.integers(1, 8))
def test_where_the_plan_is_right_a_correction_is_an_ordinary_sample(seed: int, num_steps: int) -> None:
    config = CONFIG.model_copy(update={"num_steps": num_steps})
    generator = torch.Generator().manual_seed(seed)
    actions, noise = torch.randn(2, 6, H, D, generator=generator, dtype=torch.float64)
    t = torch.rand(6, generator=generator, dtype=torch.float64)
    for variant in VARIANTS.values():
        omega = variant.schedules(6, config, generator).double()
        shown, at = variant.visited(actions, actions, noise, omega, t, config)
        assert torch.allclose(shown, interpolant(actions, noise, omega, at), atol=1e-8)


def test_a_wrong_plan_is_seen_in_the_rows_that_it_guides_and_in_no_other() -> None:
    generator = torch.Generator().manual_seed(0)
    actions, plan, noise = torch.randn(3, 6, H, D, generator=generator)
    t = torch.linspace(0, 0.9, 6)
    for name in ("legato", "one_shot"):
        omega = torch.from_numpy(guidance_schedule(H, 3, 4)).expand(6, H)
        shown, at = VARIANTS[name].visited(actions, plan, noise, omega, t, CONFIG)
        apart = (shown - interpolant(actions, noise, omega, at)).abs().amax(dim=(0, 2))
        assert (apart[:7] > 0.05).all()
        assert torch.allclose(apart[7:], torch.zeros(H - 7), atol=1e-5)


def test_batches_of_corrections_depend_on_the_step_alone() -> None:
    source = CorrectionSource(wrong_plans(make_dots(20)), 8, seed=3)
    assert torch.equal(source.batch(5).actions, source.batch(5).actions)
    assert not torch.equal(source.batch(5).actions, source.batch(6).actions)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cameras": ("head",)}, "cameras"),
        ({"known": STEPS + 1}, "planned rows"),
        ({"delay": KNOWN + 1}, "delay"),
        ({"state": np.zeros((20, 3), dtype=np.float32)}, "width of the state"),
        ({"images": np.zeros((20, 3, 8, 8, 3), dtype=np.uint8)}, "image size"),
    ],
)
def test_corrections_that_do_not_fit_are_refused(change: dict[str, Any], said: str) -> None:
    dots = make_dots(20)
    check_corrections(wrong_plans(dots), dots, STEPS)
    with pytest.raises(DataError, match=said):
        check_corrections(replace(wrong_plans(dots), **change), dots, STEPS)
    with pytest.raises(DataError, match="horizon"):
        check_corrections(wrong_plans(dots), dots, STEPS + 1)


def error_under_a_wrong_plan(folder: Path) -> float:
    """Mean distance of the last rows from where the picture says, guided by another picture's plan [m]."""
    dots = make_dots(16, seed=9)
    wrong = wrong_plans(dots)
    policy = load_policy(folder)
    errors = []
    for images, state, reference, action in zip(
        wrong.images, wrong.state, wrong.reference, wrong.action, strict=True
    ):
        shown = dict(zip(CAMERAS, images, strict=True))
        request = PredictRequest(
            observations=(Observation(0, state, shown),),
            start_tick=0,
            sequence=0,
            sampling="legato",
            omega=guidance_schedule(STEPS, DELAY, KNOWN - DELAY),
            reference=reference,
            delay=DELAY,
            seed=1,
        )
        answer = policy.predict(request).chunk.actions
        errors.append(np.linalg.norm(answer[KNOWN:, :2] - action[KNOWN:, :2], axis=1).mean())
    return float(np.mean(errors))


def test_a_policy_learns_to_leave_a_plan_that_the_picture_contradicts(
    trained: Path, dots: Dots, tmp_path: Path
) -> None:
    settings = make_settings(steps=80, evaluations=1, init=str(trained))
    train(settings, "test", dots, tmp_path / "without")
    train(settings, "test", dots, tmp_path / "with", corrections=wrong_plans(make_dots(60, seed=5)))
    without, corrected = (error_under_a_wrong_plan(tmp_path / name) for name in ("without", "with"))
    assert corrected < 0.4 * without
