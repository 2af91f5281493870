"""Laws of serving a Legato checkpoint, and that training on pictures gives a policy that sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue_core.errors import ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import Policy, PredictRequest
from segue_core.schedule import guidance_schedule
from segue_policies.policy_loading import load_policy

H, D = 20, 14


@pytest.fixture(scope="module")
def policy(trained: Path) -> Policy:
    return load_policy(trained)


def ask(
    dots: Any,
    frame: int = 0,
    sampling: str = "plain",
    seed: int = 0,
    omega: Any = None,
    reference: Any = None,
) -> PredictRequest:
    images = dict(zip(dots.cameras, dots.images[frame], strict=True))
    return PredictRequest(
        7, 3, sampling,
        np.zeros(H, np.float32) if omega is None else omega,
        np.zeros((H, D), np.float32) if reference is None else reference, 4, seed,
        observations=(Observation(7, dots.state[frame], images),),
    )  # fmt: skip


def test_the_policy_learns_where_the_pictures_tell_it_to_go(policy: Policy, dots: Any) -> None:
    reached, wanted = [], []
    for frame in range(0, len(dots.state), 20):
        reached.append(policy.predict(ask(dots, frame)).chunk.actions[-1, :2])
        wanted.append(dots.action[frame + 19, :2])
    error = np.linalg.norm(np.array(reached) - wanted, axis=1)
    spread = np.linalg.norm(np.array(wanted) - np.mean(wanted, axis=0), axis=1)
    assert np.median(error) < 0.35 * np.median(spread)  # blind to the pictures the ratio is 1


def test_equal_requests_give_equal_chunks_and_another_seed_another(policy: Policy, dots: Any) -> None:
    first, again, other = (policy.predict(ask(dots, seed=seed)).chunk for seed in (5, 5, 6))
    assert first.actions.tobytes() == again.actions.tobytes()
    assert first.actions.tobytes() != other.actions.tobytes()
    assert (first.start_tick, first.sequence, first.actions.shape) == (7, 3, (H, D))


def test_the_guided_prefix_is_the_reference(policy: Policy, dots: Any) -> None:
    reference = np.tile(np.linspace(0.1, 0.2, H, dtype=np.float32)[:, None], (1, D))
    omega = guidance_schedule(H, 4, 10)
    chunk = policy.predict(ask(dots, sampling="legato", omega=omega, reference=reference)).chunk
    np.testing.assert_allclose(chunk.actions[:4], reference[:4], atol=1e-5)
    assert not np.allclose(chunk.actions[-1], reference[-1], atol=1e-3)
    np.testing.assert_array_equal(chunk.omega, omega)


def test_without_guidance_the_reference_does_not_matter(policy: Policy, dots: Any) -> None:
    reference = np.full((H, D), 9.0, np.float32)
    free = policy.predict(ask(dots)).chunk.actions
    np.testing.assert_array_equal(policy.predict(ask(dots, reference=reference)).chunk.actions, free)
    unguided = policy.predict(ask(dots, sampling="legato", reference=reference)).chunk.actions
    np.testing.assert_array_equal(
        policy.predict(ask(dots, sampling="legato", reference=-reference)).chunk.actions, unguided
    )
    np.testing.assert_allclose(unguided, free, atol=1e-6)  # sums in another order than the plain sampler


def test_real_time_chunking_brings_the_prefix_nearer_to_the_reference(policy: Policy, dots: Any) -> None:
    """Less near than guidance that was trained for: it goes only where the policy deems a chunk likely."""
    omega = guidance_schedule(H, 4, 6, "exp")
    before, after = [], []
    for frame in (0, 7, 33, 90, 200):
        free = policy.predict(ask(dots, frame)).chunk.actions
        reference = free.copy()
        reference[:, 0:3] += 0.02  # [m]
        request = ask(dots, frame, "rtc", omega=omega, reference=reference)
        chunk = policy.predict(request).chunk
        assert policy.predict(request).chunk.actions.tobytes() == chunk.actions.tobytes()
        np.testing.assert_array_equal(chunk.omega, omega)
        before.append(np.abs(free - reference)[:4, 0:3].mean())
        after.append(np.abs(chunk.actions - reference)[:4, 0:3].mean())
    assert np.mean(after) < 0.98 * np.mean(before)


def test_real_time_chunking_without_a_prefix_is_plain_sampling(policy: Policy, dots: Any) -> None:
    reference = np.full((H, D), 9.0, np.float32)
    chunk = policy.predict(ask(dots, sampling="rtc", reference=reference)).chunk
    np.testing.assert_allclose(chunk.actions, policy.predict(ask(dots)).chunk.actions, atol=1e-6)


NAN, WIDE = np.full((H, D), np.nan, np.float32), np.zeros((H, D + 1), np.float32)
BAD_REQUEST, MISSING = ErrorCode.POLICY_BAD_REQUEST, ErrorCode.POLICY_OBSERVATION_MISSING


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"sampling": "training_time_rtc"}, ErrorCode.POLICY_UNSUPPORTED_SAMPLING, "rtc"),
        ({"sampling": "legato", "reference": NAN}, BAD_REQUEST, "reference is not finite"),
        ({"sampling": "legato", "reference": WIDE}, BAD_REQUEST, "reference: shape"),
        ({"sampling": "legato", "omega": np.zeros(60, np.float32)}, BAD_REQUEST, "omega: shape"),
        ({"sampling": "legato", "omega": np.full(H, 1.5, np.float32)}, BAD_REQUEST, "0 to 1"),
    ],
)
def test_a_bad_request_is_refused(
    changes: dict[str, Any], code: ErrorCode, text: str, policy: Policy, dots: Any
) -> None:
    with pytest.raises(PolicyError, match=text) as caught:
        policy.predict(replace(ask(dots), **changes))
    assert caught.value.code == code


def test_a_bad_observation_is_refused_naming_what_is_wrong(policy: Policy, dots: Any) -> None:
    request = ask(dots)
    seen = request.observation
    blind = {name: image for name, image in seen.images.items() if name != "head"}
    cases = [
        (replace(seen, images=blind), MISSING, "head"),
        (replace(seen, images={**seen.images, "head": np.zeros((8, 8, 3), np.uint8)}), BAD_REQUEST, "'head'"),
        (replace(seen, state=np.zeros(3, np.float32)), BAD_REQUEST, "state: shape"),
    ]
    for observation, code, text in cases:
        with pytest.raises(PolicyError, match=text) as caught:
            policy.predict(replace(request, observations=(observation,)))
        assert caught.value.code == code
