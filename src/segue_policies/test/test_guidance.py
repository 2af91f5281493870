"""Laws of real-time chunking's guidance."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from segue_core.schedule import guidance_schedule
from segue_policies.guidance.rtc import VelocityFn, guidance_weight, pull, rtc_sample, sample_masked
from segue_policies.methods.flow.build import build_network
from segue_policies.methods.flow.config import NetworkConfig
from segue_policies.methods.flow.path import sample_plain

H, D = 6, 2
seeds = st.integers(0, 2**31)
times = st.floats(0, 0.95)
masks = st.tuples(
    st.integers(0, H), st.integers(0, H), st.sampled_from(["linear", "exp", "zeros", "ones"])
).map(lambda m: torch.from_numpy(guidance_schedule(H, m[0], min(m[1], H - m[0]), m[2])).double())


def curved(seed: int) -> VelocityFn:
    """A smooth random field in which every number of a chunk depends on every other and on time."""
    generator = torch.Generator().manual_seed(seed)
    into = torch.randn(H * D + 1, 16, generator=generator, dtype=torch.float64) / 3
    out = torch.randn(16, H * D, generator=generator, dtype=torch.float64) / 3

    def velocity(noisy: Tensor, t: Tensor) -> Tensor:
        flat = torch.cat([noisy.flatten(1), t.expand(len(noisy), 1)], dim=1)
        return (torch.tanh(flat @ into) @ out).view_as(noisy)

    return velocity


def gaussian(mean: float, spread: float) -> VelocityFn:
    """The exact velocity where every action is N(mean, spread^2), independent of the others."""

    def velocity(noisy: Tensor, t: Tensor) -> Tensor:
        variance = (t * spread) ** 2 + (1 - t) ** 2
        return mean + (t * spread**2 - (1 - t)) / variance * (noisy - t * mean)

    return velocity


def draw(seed: int, count: int = 2) -> tuple[Tensor, Tensor]:
    """Noise and reference."""
    generator = torch.Generator().manual_seed(seed)
    noise, reference = torch.randn(2, count, H, D, generator=generator, dtype=torch.float64)
    return noise, reference


def differences(end: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-5) -> Tensor:
    """Jacobian of one chunk's `end` in its start, (H D, H D), by central differences."""
    columns = []
    for index in range(at.numel()):
        nudge = torch.zeros_like(at).view(-1)
        nudge[index] = step
        nudge = nudge.view_as(at)
        columns.append((end(at + nudge) - end(at - nudge)).flatten() / (2 * step))
    return torch.stack(columns, dim=1)


@given(seeds, times, masks)
def test_the_correction_equals_finite_differences(seed: int, t: float, mask: Tensor) -> None:
    field, (noise, reference) = curved(seed), draw(seed, 1)
    time = torch.tensor(t, dtype=torch.float64)

    def end(x: Tensor) -> Tensor:
        return x + (1 - time) * field(x, time)

    velocity, correction = pull(field, noise, time, mask, reference)
    error = mask[:, None] * (reference - end(noise))
    expected = (error.flatten() @ differences(end, noise)).view_as(noise)
    torch.testing.assert_close(correction, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(velocity, field(noise, time))


def test_the_correction_is_not_the_masked_error() -> None:
    """A popular port computes the velocity before it asks for gradients, which drops the network's Jacobian."""
    field, (noise, reference) = curved(1), draw(1, 1)
    time, mask = torch.tensor(0.2, dtype=torch.float64), torch.ones(H, dtype=torch.float64)
    mask[3:] = 0
    velocity, correction = pull(field, noise, time, mask, reference)
    error = mask[:, None] * (reference - noise - (1 - time) * velocity)
    assert (correction - error).norm() > 0.3 * error.norm()
    assert (correction[:, 3:].abs() > 1e-3).any()  # the free rows are told to fit


@pytest.mark.parametrize(
    ("steps", "maximum", "golden"),
    [
        (5, 5.0, [5.0, 4.25, 2.17, 2.17, 4.25]),
        (10, 10.0, [10.0, 9.11, 4.25, 2.76, 2.17, 2.0, 2.17, 2.76, 4.25, 9.11]),
        (10, 5.0, [5.0, 5.0, 4.25, 2.76, 2.17, 2.0, 2.17, 2.76, 4.25, 5.0]),
    ],
)
def test_the_weights_equal_the_golden_values(steps: int, maximum: float, golden: list[float]) -> None:
    assert [guidance_weight(k / steps, maximum) for k in range(steps)] == pytest.approx(golden, abs=5e-3)


@pytest.mark.parametrize(
    ("delay", "end", "golden"),
    [
        (4, 10, [1, 1, 1, 1, 0.677, 0.433, 0.256, 0.133, 0.055, 0.013, 0, 0, 0, 0, 0, 0]),
        (2, 5, [1, 1, 0.4876, 0.1888, 0.0413, 0, 0, 0]),
        (6, 3, [1, 1, 1, 0, 0, 0, 0, 0]),  # a delay longer than the attention horizon is cut
    ],
)
def test_the_mask_equals_the_golden_vectors(delay: int, end: int, golden: list[float]) -> None:
    """A field that leads nowhere shows the mask: one step from zero moves each row by its weight."""
    noise = torch.zeros(1, len(golden), D, dtype=torch.float64)
    chunk = rtc_sample(lambda x, t: 0 * x, noise, torch.ones_like(noise), delay, end, 1, 1.0)
    torch.testing.assert_close(chunk[0, :, 0], torch.tensor(golden, dtype=torch.float64), atol=6e-4, rtol=0)


@given(seeds, st.integers(0, H), st.integers(0, H), st.sampled_from(["linear", "exp", "zeros", "ones"]))
def test_delay_and_attention_horizon_are_the_mask_of_the_schedule(
    seed: int, delay: int, end: int, kind: str
) -> None:
    field, (noise, reference) = curved(seed), draw(seed)
    start = min(delay, end)
    mask = torch.from_numpy(guidance_schedule(H, start, end - start, kind)).double()
    chunk = rtc_sample(field, noise, reference, delay, end, 5, 5.0, kind)
    assert torch.equal(chunk, sample_masked(field, noise, mask, reference, 5, 5.0))


def test_guidance_works_under_inference_mode() -> None:
    """PyTorch forbids differentiation there for good, even inside `enable_grad`."""
    field, (noise, reference) = curved(3), draw(3)
    with torch.inference_mode():
        silent = rtc_sample(field, noise.clone(), reference, 2, 4, 5)
    assert torch.equal(silent.clone(), rtc_sample(field, noise, reference, 2, 4, 5))


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_a_weight_is_never_above_its_clip(t: float, maximum: float) -> None:
    assert 0 <= guidance_weight(t, maximum) <= maximum


@given(seeds, st.integers(1, 10))
def test_without_a_mask_a_chunk_is_plain_whatever_the_reference(seed: int, steps: int) -> None:
    field, (noise, reference) = curved(seed), draw(seed)
    free = torch.zeros(H, dtype=torch.float64)
    plain = sample_plain(lambda x, t, omega: field(x, t), noise, steps)
    assert torch.equal(sample_masked(field, noise, free, reference, steps), plain)
    full = torch.ones(H, dtype=torch.float64)
    assert torch.equal(sample_masked(field, noise, full, reference, steps, max_guidance_weight=0.0), plain)


@given(seeds, masks, st.floats(-1, 1), st.floats(0.3, 1))
def test_a_row_follows_its_reference_the_more_the_more_it_is_masked(
    seed: int, mask: Tensor, mean: float, spread: float
) -> None:
    field, (noise, reference) = gaussian(mean, spread), draw(seed, 1)
    near, far = (sample_masked(field, noise, mask, reference + offset, 5) for offset in (0, 1))
    followed = (far - near)[0, :, 0]
    assert (followed[mask == 0] == 0).all()  # here nothing ties the rows together
    assert (followed[mask == 1] > 0.6).all()
    assert (followed <= 1 + 1e-3).all()
    assert (followed.diff() <= 1e-9).all()  # as the mask does


@given(seeds, masks)
def test_reference_rows_beyond_the_mask_do_not_matter(seed: int, mask: Tensor) -> None:
    field, (noise, reference) = curved(seed), draw(seed)
    other = torch.where(mask[:, None] > 0, reference, 1e3)
    first, second = (sample_masked(field, noise, mask, ref, 5) for ref in (reference, other))
    assert torch.equal(first, second)


@given(seeds, masks)
def test_every_chunk_of_a_batch_is_sampled_by_itself(seed: int, mask: Tensor) -> None:
    field, (noise, reference) = curved(seed), draw(seed, 3)
    together = sample_masked(field, noise, mask, reference, 5)
    for index in range(3):
        alone = sample_masked(field, noise[index : index + 1], mask, reference[index : index + 1], 5)
        torch.testing.assert_close(together[index : index + 1], alone)


def test_sampling_leaves_its_arguments_and_no_graph_behind() -> None:
    field, (noise, reference) = curved(4), draw(4)
    mask = torch.ones(H, dtype=torch.float64)
    before = noise.clone(), reference.clone()
    with torch.no_grad():
        silent = sample_masked(field, noise, mask, reference, 5)
    chunk = sample_masked(field, noise, mask, reference, 5)
    assert torch.equal(chunk, silent)
    assert not chunk.requires_grad and not noise.requires_grad
    assert torch.equal(noise, before[0]) and torch.equal(reference, before[1])


def test_legato_s_network_serves_as_a_plain_flow() -> None:
    """Its output is float32, so the differences are coarse: along the correction, over a wide step."""
    torch.manual_seed(0)
    small = {"channels": (8, 8, 8), "keypoints": 4, "values": 2, "image_width": 8, "condition_width": 16}
    net = build_network(NetworkConfig(**small, head_width=32), ("head",), (96, 72), D, (H, D), 5)  # type: ignore[arg-type]
    net.requires_grad_(False)
    bound = net.bind(net.observe(torch.randn(1, 1, 3, 72, 96), torch.randn(1, D)))
    free = torch.zeros(H)

    def field(x: Tensor, t: Tensor) -> Tensor:
        return bound(x, t, free)

    noise, reference = (part.float() for part in draw(9, 1))
    time, mask = torch.tensor(0.4), torch.from_numpy(guidance_schedule(H, 2, 2, "exp"))
    velocity, correction = pull(field, noise, time, mask, reference)
    error = mask[:, None] * (reference - noise - (1 - time) * velocity)
    way = 0.05 * correction / correction.norm()

    def aligned(x: Tensor) -> float:
        return float((error * (x + (1 - time) * field(x, time))).double().sum())

    along = (aligned(noise + way) - aligned(noise - way)) / 2
    assert along == pytest.approx(float((correction * way).sum()), rel=1e-2)
    assert (correction - error).norm() > 0.1 * error.norm()
