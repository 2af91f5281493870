"""A network is shown the same earlier observations in training as when it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segue_core.history import FIRST, ticks_shown
from segue_core.observation import Observation
from segue_core.policy import PredictRequest
from segue_policies.deployment import Deployment
from segue_policies.samples.augmentation import jitter, shift
from segue_policies.samples.batches import read_batch
from segue_policies.samples.demonstrations import split
from segue_policies.supervised.config import ChunkConfig, Shape
from segue_policies.supervised.learner import SupervisedLearner
from segue_policies.supervised.policy import SupervisedPolicy

HISTORY = (FIRST, -2, 0)
SUMMARY = {"step": 0, "scores": {}, "elapsed_s": 0.0, "precision": "float32"}


class Linear(nn.Module):
    """Sees everything that it is shown."""

    def __init__(self, settings: ChunkConfig, shape: Shape) -> None:
        super().__init__()
        self.rows = (shape.horizon, shape.dim)
        self.last = nn.Linear(shape.observations * shape.state, shape.horizon * shape.dim)
        self.shape = shape

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        width, height = self.shape.image_size
        assert images.shape[1:] == (3, len(self.shape.cameras), 3, height, width)
        return (
            self.last(state.flatten(1)).unflatten(1, self.rows)
            + images.mean(dim=(1, 2, 3, 4, 5))[:, None, None]
        )


class LinearLearner(SupervisedLearner):
    network = Linear


class LinearPolicy(SupervisedPolicy):
    network, settings = Linear, ChunkConfig


def test_a_sample_has_the_observations_that_a_policy_is_shown_at_that_frame(dots: Any) -> None:
    part, _ = split(dots, 10, 0.2, 0, history=HISTORY)
    frames = part.frames[:40]
    batch = read_batch(part, frames)
    episode = np.asarray(dots.episode)
    for frame, states, images in zip(frames, batch.state, batch.images, strict=True):
        first = int(np.flatnonzero(episode == episode[frame])[0])
        asked = list(ticks_shown(HISTORY, first, int(frame)))
        np.testing.assert_array_equal(states.numpy(), np.asarray(dots.state)[asked])
        np.testing.assert_array_equal(images.numpy(), np.asarray(dots.images)[asked])
    np.testing.assert_array_equal(batch.newest_state, np.asarray(dots.state)[frames])


def test_augmentation_leaves_the_motion_between_observations_as_it_is(dots: Any) -> None:
    one = np.asarray(dots.images[:4])
    twice = np.stack([one, one], axis=1)
    moved = shift(twice, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[:, 0], moved[:, 1])
    np.testing.assert_array_equal(moved[:, 0], shift(one, 3, np.random.default_rng(0)))
    pixels = torch.from_numpy(twice).float().movedim(-1, -3)
    lit = jitter(pixels, 0.2, 0.2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(lit[:, 0], lit[:, 1])
    assert not torch.equal(lit, pixels)


@pytest.fixture(scope="module")
def served(dots: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[LinearLearner, LinearPolicy]:
    config = ChunkConfig(method="linear", horizon=10, history=("first", -2, 0))  # type: ignore[arg-type]
    learner, folder = LinearLearner(config, dots), tmp_path_factory.mktemp("linear") / "checkpoint"
    learner.save(learner.model, folder, SUMMARY)
    return learner, LinearPolicy(Deployment(Path(folder), "linear"))


def test_a_policy_with_a_history_answers_as_the_network_in_training(
    dots: Any, served: tuple[LinearLearner, LinearPolicy]
) -> None:
    learner, policy = served
    assert policy.info.history == HISTORY
    batch = read_batch(learner.part, learner.part.frames[7:8])
    normaliser = learner.normaliser
    with torch.inference_mode():
        shown = normaliser.encode_images(batch.images), normaliser.encode_state(batch.state)
        expected = normaliser.decode_actions(learner.model(*shown), batch.newest_state)[0].numpy()
    seen = tuple(
        Observation(tick, state.numpy(), dict(zip(dots.cameras, images.numpy(), strict=True)))
        for tick, (state, images) in enumerate(zip(batch.state[0], batch.images[0], strict=True))
    )
    rows = np.zeros((10, dots.action_space.dim), np.float32)
    request = PredictRequest(2, 0, "plain", rows[:, 0], rows, 0, 0, observations=seen)
    got = policy.predict(request).chunk.actions
    np.testing.assert_allclose(got, dots.action_space.clip(expected), atol=2e-2)


def test_a_chunk_of_fewer_rows_is_normalised_by_their_statistics(
    served: tuple[LinearLearner, LinearPolicy],
) -> None:
    learner, _ = served
    normaliser, batch = learner.normaliser, read_batch(learner.part, learner.part.frames[:5])
    whole = normaliser.encode_actions(batch.actions, batch.newest_state)
    short = normaliser.encode_actions(batch.actions[:, :4], batch.newest_state)
    torch.testing.assert_close(short, whole[:, :4])
    torch.testing.assert_close(
        normaliser.decode_actions(short, batch.newest_state), batch.actions[:, :4], atol=1e-5, rtol=0
    )


def test_a_step_of_training_with_a_history_teaches_all_of_it(dots: Any) -> None:
    config = ChunkConfig(method="linear", horizon=10, history=HISTORY)
    learner = LinearLearner(config, dots)
    loss = learner.loss(next(learner.batches(0)), 0)
    loss.backward()
    gradient = learner.model.get_parameter("last.weight").grad
    assert gradient is not None
    assert (gradient.abs().sum(dim=0) > 0).all()
