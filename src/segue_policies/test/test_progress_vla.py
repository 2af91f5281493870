"""Laws of ProgressVLA's world model, evaluator and policy: what is imagined, how it is drawn, and what guides it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segue_core.errors import ConfigError, PolicyError
from segue_core.history import FIRST
from segue_core.observation import Observation
from segue_core.policy import Policy, PredictRequest
from segue_policies.checkpoints.checkpoint import load_checkpoint
from segue_policies.deployment import Deployment
from segue_policies.estimator_loading import check_estimator, make_estimator
from segue_policies.method import find_method, policy_names
from segue_policies.methods.progress_vla.online.episodes import watch
from segue_policies.methods.progress_vla.online.policy import distilled_loss, transitions
from segue_policies.methods.progress_vla.policy.config import DiffusionConfig
from segue_policies.methods.progress_vla.policy.policy import ProgressVlaPolicy
from segue_policies.methods.progress_vla.policy.sampling import (
    Continued,
    Guided,
    Networks,
    descents,
    draw,
    uphill,
)
from segue_policies.methods.progress_vla.world.codes import Codes
from segue_policies.methods.progress_vla.world.config import WorldConfig, WorldTraining
from segue_policies.methods.progress_vla.world.learner import PLOT
from segue_policies.methods.progress_vla.world.loss import divergence, world_loss
from segue_policies.methods.progress_vla.world.model import Inferred, WorldModel
from segue_policies.methods.progress_vla.world.plot import nearest_rows
from segue_policies.methods.progress_vla.world.transitions import frames_after
from segue_policies.networks.noise_schedule import squared_cosine
from segue_policies.online_finetuning import learn_online
from segue_policies.policy_loading import check_checkpoint, load_policy, make_policy
from segue_policies.samples.rollouts import Rollout
from segue_policies.testing.dots import Dots, picture
from segue_policies.testing.stand_in_trunk import random_tensors, write_stand_in
from segue_policies.training.command.stages import staged
from segue_policies.training.command.train import make_learner, parse_settings, train
from segue_policies.vision.config import Given

FRAMES, AFTER, ROWS = 24, 6, 6
TOLD = "Push the dot to the right"
GIVEN = Given(5, (6, 5))
SMALL = WorldConfig(after=AFTER, width=32, heads=2, layers=1, latents=2, latent_width=4, codes=8)


class Sliding(Dots):
    """A dot goes from the left to the right as the tools do, and up and down as only a latent action knows."""

    def instruction(self, episode: int) -> str:
        return TOLD


def slides(episodes: int, seed: int = 0) -> Sliding:
    rng = np.random.default_rng(seed)
    along = np.linspace(-0.8, 0.8, FRAMES)
    waves = 0.3 * np.sin(5 * along + rng.uniform(0, 2 * np.pi, (episodes, 1)))
    shown = [[picture(x, y) for x, y in zip(along, wave, strict=True)] for wave in waves]
    images = np.array(shown).reshape(-1, 1, *picture(0, 0).shape)
    rows = np.zeros((len(images), 14), dtype=np.float32)
    rows[:, 0] = np.tile(0.2 * along, episodes)
    later = np.concatenate([rows[1:], rows[-1:]])
    return Sliding(images, rows, later, np.repeat(np.arange(episodes), FRAMES), ("head",))


def plan() -> dict[str, Any]:
    """All four stages, in seconds."""
    training = {
        "batch_size": 16, "threads": 1, "learning_rate": 3e-3, "precision": "float32", "evaluations": 1,
        "average_decay": 0.9, "shift_pixels": 0, "brightness": 0.0, "colour": 0.0, "tensorboard": False,
        "validation_share": 0.4, "validation_frames": 40,
    }  # fmt: skip
    network = {"width": 32, "heads": 2, "feedforward": 32, "hidden": 32, "dropout": 0.0}
    world = SMALL.model_dump()
    context = {"width": 32, "heads": 2, "keypoints": 4}
    policy = {
        "method": "progress_vla",
        "horizon": ROWS,
        "progress": network,
        "world": world,
        "context": context,
    }
    return {
        "training": training,
        "stages": {
            "estimator": {"method": "progress_estimator", "network": network, "training": {"steps": 150}},
            "world": {"method": "progress_world_model", "world": world, "training": {"steps": 40}},
            "evaluator": {
                "method": "progress_evaluator", "network": network, "world": world,
                "parts": {"progress": "estimator", "world": "world"}, "training": {"steps": 20, "learning_rate": 5e-4},
            },
            "policy": {**policy, "parts": {"evaluator": "evaluator"}, "training": {"steps": 30}},
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def data() -> Sliding:
    return slides(12)


@pytest.fixture(scope="module")
def stages(data: Sliding, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of all four checkpoints, in front of random trunk weights; do not change it."""
    place = tmp_path_factory.mktemp("progress_vla")
    settings, encoder = plan(), {"trunk": "efficientnet_lite0", "enlarge": 1, "every": 2, "views": 1}
    for stage in settings["stages"].values():
        stage["encoder"] = encoder
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place / "wheel")
        write_stand_in(place / "wheel", random_tensors())
        for job in staged(settings, "test", place / "out"):
            train(job.settings, "test", data, job.folder)
        yield place / "out"


def scores(folder: Path) -> dict[str, float]:
    rows = (
        line.split("|") for line in (folder / "README.md").read_text().splitlines() if line.startswith("| ")
    )
    return {row[1].strip(): float(row[2]) for row in rows if row[1].strip() not in ("score",)}


def serve(folder: Path, guidance: float) -> Policy:
    deployment = Deployment(folder, options={"guidance": guidance} if guidance else {})
    return make_policy(find_method("progress_vla"), deployment)


def request(data: Sliding, frame: int, **changes: Any) -> PredictRequest:
    seen = [Observation(at, data.state[at], {"head": data.images[at, 0]}) for at in (0, frame)]
    plain: dict[str, Any] = {
        "start_tick": frame, "sequence": 0, "sampling": "plain", "omega": np.zeros(ROWS, np.float32), "delay": 1,
        "reference": np.zeros((ROWS, 14), np.float32), "seed": 3, "observations": tuple(seen), "instruction": TOLD,
    }  # fmt: skip
    return PredictRequest(**plain | changes)


def test_tokens_are_maps_and_maps_are_tokens() -> None:
    world = WorldModel(SMALL, GIVEN, cameras=2)
    world.mean.copy_(torch.linspace(-1, 1, 5))
    world.scale.copy_(torch.linspace(0.5, 2, 5))
    maps = torch.randn(3, 2, 5, 5, 6)
    tokens = world.observe(maps)
    assert tokens.shape == (3, 2 * 2 * 2, 5 * 9)  # 5 x 6 places, three by three, of two cameras
    torch.testing.assert_close(world.pictured(tokens), maps)


def test_a_fresh_world_model_says_that_nothing_changes() -> None:
    world = WorldModel(SMALL, GIVEN, cameras=1)
    now, latents = world.observe(torch.randn(2, 1, 5, 5, 6)), torch.randn(2, 2, 4)
    assert torch.equal(world.imagine(now, latents), now)
    assert torch.equal(world.imagine(now, latents, torch.tensor([0, 999])), now)


def test_latents_are_words_of_the_codebook() -> None:
    torch.manual_seed(0)
    codes = Codes(8, 4)
    latents = torch.randn(5, 2, 4, requires_grad=True)
    found, loss = codes(latents, 0.25)
    assert codes.words(latents).shape == (5, 2) and codes.words(latents).max() < 8
    torch.testing.assert_close(found, codes.nearest(latents))
    (gradient,) = torch.autograd.grad(found.sum(), latents, retain_graph=True)
    assert torch.equal(gradient, torch.ones_like(latents)), "the gradient goes straight through"
    assert loss.ndim == 0 and loss > 0
    free, nothing = Codes(0, 4)(latents, 0.25)
    assert free is latents and nothing == 0


def test_kl_is_zero_for_a_normal_distribution_and_its_closed_form_elsewhere() -> None:
    none = torch.zeros(3, 2, 4)
    assert divergence(Inferred(none, none)) == 0
    mean, deviation = 0.7, 0.5
    found = divergence(Inferred(none + mean, none + 2 * math.log(deviation)))
    torch.testing.assert_close(float(found), 0.5 * (mean**2 + deviation**2 - 1) - math.log(deviation))


def test_the_loss_of_the_world_model_reaches_encoder_decoder_and_codes() -> None:
    torch.manual_seed(0)
    world = WorldModel(SMALL, GIVEN, cameras=1)
    torch.nn.init.normal_(world.decoder.change.weight)
    now, later = (world.observe(torch.randn(4, 1, 5, 5, 6)) for _ in range(2))
    loss, latents = world_loss(
        world, WorldTraining().world_loss, now, later, torch.Generator().manual_seed(0)
    )
    torch.autograd.backward(loss)
    assert latents.shape == (4, 2, 4)
    untouched = [
        n for n, p in world.named_parameters() if p.grad is None and not n.startswith("decoder.step")
    ]
    assert not untouched


def test_a_transition_ends_where_its_episode_does(data: Sliding) -> None:
    ends = frames_after(data, 6, 2).reshape(12, FRAMES) - np.arange(12)[:, None] * FRAMES
    assert (ends == np.minimum(np.arange(FRAMES) + 6, 22).clip(min=np.arange(FRAMES))).all()
    with pytest.raises(ConfigError, match=r"world.after.*got 7.*multiple of encoder.every, 2"):
        frames_after(data, 7, 2)


def exact(latents: Tensor, rows: Tensor, config: DiffusionConfig) -> Networks:
    """The noise that is there when the data are these."""
    of_latents, of_rows = squared_cosine(config.latent_train_steps), squared_cosine(config.action_train_steps)

    def noise(noisy: Tensor, clean: Tensor, kept: float) -> Tensor:
        found: Tensor = (noisy - kept**0.5 * clean) / (1 - kept) ** 0.5
        return found

    return Networks(
        lambda noisy, step: noise(noisy, latents, of_latents.share(int(step[0]))),
        lambda noisy, plan, step: noise(noisy, rows, of_rows.share(int(step[0]))),
    )


def noise_of(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 2, 4, generator=generator), torch.randn(1, ROWS, 3, generator=generator)


def test_the_latent_action_is_warm_when_the_chunk_begins() -> None:
    """App. E: alone from 1000 to 100, then both from 100 to 0, each from where something is left of what was clean."""
    config = DiffusionConfig()
    alone, both = descents(config)
    assert (alone[0][0], alone[-1][1], both[0][0], both[-1][1]) == (909, 90, 90, -1)
    assert squared_cosine(config.latent_train_steps).share(alone[0][0]) > 0.01
    assert squared_cosine(config.action_train_steps).share(both[0][0]) > 0.01
    assert (len(alone), len(both)) == (9, 10)
    asked: list[tuple[str, int]] = []

    def watch(name: str, noisy: Tensor, step: Tensor) -> Tensor:
        asked.append((name, int(step[0])))
        return noisy

    watched = Networks(partial(watch, "latents"), lambda rows, plan, step: watch("rows", rows, step))
    draw(watched, DiffusionConfig(), noise_of())
    assert [name for name, _ in asked[:9]] == ["latents"] * 9
    assert asked[9:] == [(name, step) for step, _ in both for name in ("latents", "rows")]


@pytest.mark.parametrize(("latent_steps", "joint_steps"), [(9, 10), (900, 100), (1, 1)])
def test_with_the_exact_noise_both_diffusions_end_at_the_data(latent_steps: int, joint_steps: int) -> None:
    config = DiffusionConfig(latent_steps=latent_steps, joint_steps=joint_steps)
    latents, rows = (
        torch.linspace(-0.9, 0.9, 8).view(1, 2, 4),
        torch.linspace(-1, 1, ROWS * 3).view(1, ROWS, 3),
    )
    found = draw(exact(latents, rows, config), config, noise_of())
    torch.testing.assert_close(found, (latents, rows), atol=5e-3, rtol=0)
    again = draw(exact(latents, rows, config), config, noise_of())
    assert torch.equal(found[0], again[0]) and torch.equal(found[1], again[1])


def test_guidance_goes_uphill_and_its_strength_decides_how_far() -> None:
    """Of normal latents, progress that grows along one direction moves the drawn ones along it, and no other."""
    config = DiffusionConfig()
    schedule = squared_cosine(config.latent_train_steps)

    def latent_noise(noisy: Tensor, step: Tensor) -> Tensor:
        found: Tensor = (1 - schedule.share(int(step[0]))) ** 0.5 * noisy  # of standard normal data
        return found

    plain = Networks(latent_noise, lambda rows, plan, step: rows)
    direction = torch.zeros(1, 2, 4)
    direction[0, 1, 2] = 1.0

    def progress(latents: Tensor, step: Tensor) -> Tensor:
        return (latents * direction).sum(dim=(1, 2)).sigmoid()

    free, *pulled = (
        draw(plain, config, noise_of(), Guided(progress, strength))[0] for strength in (0.0, 0.5, 2.0)
    )
    gained = [float(progress(found, torch.zeros(1))) for found in (free, *pulled)]
    assert gained[0] < gained[1] < gained[2]
    others = direction == 0
    assert torch.equal(free[others], pulled[1][others])
    assert torch.equal(free, draw(plain, config, noise_of())[0]), "with strength 0 nothing is different"
    step = 1e-2 * uphill(progress, free, torch.zeros(1))
    assert progress(free + step, torch.zeros(1)) > progress(free, torch.zeros(1))


def test_real_time_chunking_pulls_the_chunk_and_not_the_latent_action() -> None:
    config = DiffusionConfig()
    of_rows = squared_cosine(config.action_train_steps)
    normal = Networks(  # chunks are standard normal data
        lambda latents, step: latents,
        lambda rows, plan, step: (1 - of_rows.share(int(step[0]))) ** 0.5 * rows,
    )
    omega, reference = torch.tensor([[1.0, 1.0, 0.5, 0.0, 0.0, 0.0]]), torch.full((1, ROWS, 3), 0.8)
    plan, free = draw(normal, config, noise_of())
    held_plan, held = draw(normal, config, noise_of(), continued=Continued(omega, reference, 5.0))
    assert torch.equal(plan, held_plan)
    assert (held - reference)[:, :2].abs().max() < 0.15
    torch.testing.assert_close(held[:, 3:], free[:, 3:], atol=1e-4, rtol=0)
    unpulled = draw(normal, config, noise_of(), continued=Continued(omega, reference, 0.0))[1]
    torch.testing.assert_close(unpulled, free, atol=1e-4, rtol=0)


def test_a_word_that_is_never_used_moves_beside_the_most_used_one() -> None:
    torch.manual_seed(0)
    codes = Codes(8, 4)
    latents = torch.randn(4, 1, 4) * torch.tensor([1.0, 0.0, 0.0, 0.0])
    for _ in range(600):
        codes(latents, 0.25)
    assert codes.book is not None
    assert (torch.cdist(codes.book, codes.book) < 0.5).sum() > 8, "some words are neighbours now"
    before = codes.book.detach().clone()
    codes.eval()(latents, 0.25)
    assert torch.equal(before, codes.book), "only in training"


def test_steps_that_do_not_fit_are_refused() -> None:
    for wrong in (
        {"action_train_steps": 2000},
        {"latent_steps": 901},
        {"joint_steps": 101},
        {"latent_steps": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DiffusionConfig.model_validate(wrong)


@pytest.mark.parametrize(("codes", "steps"), [(0, 120), (8, 200)])
def test_a_world_model_learns_what_only_the_latent_action_can_tell(codes: int, steps: int) -> None:
    """A pattern comes or goes, by chance: what is seen before does not say which."""
    torch.manual_seed(0)
    world = WorldModel(SMALL.model_copy(update={"codes": codes}), GIVEN, cameras=1)
    generator, pattern = torch.Generator().manual_seed(0), torch.randn(1, 1, 5, 5, 6)
    optimiser = torch.optim.AdamW(world.parameters(), 3e-3)

    def pairs() -> tuple[Tensor, Tensor]:
        before = torch.randn(32, 1, 5, 5, 6, generator=generator)
        way = torch.randint(0, 2, (32, 1, 1, 1, 1), generator=generator) * 2 - 1
        return world.observe(before), world.observe(before + way * pattern)

    for _ in range(steps):
        optimiser.zero_grad()
        torch.autograd.backward(world_loss(world, WorldTraining().world_loss, *pairs(), generator)[0])
        torch.nn.utils.clip_grad_norm_(world.parameters(), 1.0)
        optimiser.step()
    world.eval()
    now, later = pairs()
    with torch.no_grad():
        told = world.imagine(now, world.latents(now, later))
        other = world.imagine(now, world.latents(now, later).roll(1, dims=0))
    error, of_another, still = (float((found - later).square().mean()) for found in (told, other, now))
    assert error < 0.8 * still
    assert error < 0.8 * of_another


def test_the_world_model_says_what_its_latent_actions_are_worth(stages: Path) -> None:
    found = scores(stages / "world")
    assert found["unexplained"] < 1
    assert {"unexplained_without", "codes_used", "spread"} <= {*found}
    assert (stages / "world" / PLOT).read_bytes().startswith(b"\x89PNG")


def test_what_is_imagined_is_shown_as_the_nearest_real_picture() -> None:
    real = torch.randn(600, 4, 5)
    assert nearest_rows(real[[7, 300, 599]] + 0.01, real).tolist() == [7, 300, 599]


def test_the_evaluator_looks_on_and_ahead(stages: Path, data: Sliding) -> None:
    info = check_estimator(stages / "evaluator")
    assert info.name == "progress_evaluator" and info.instructions == (TOLD,)
    estimator = make_estimator(stages / "evaluator")
    estimator.begin(TOLD)
    said = [estimator.estimate(request(data, frame).observation) for frame in range(FRAMES)]
    assert np.corrcoef(said, np.arange(FRAMES))[0, 1] > 0.6
    found = scores(stages / "evaluator")
    assert found["imagined_mae"] < found["mae"] + 0.05


def test_a_stage_is_no_policy_and_its_pictures_are_maps(stages: Path, data: Sliding) -> None:
    assert "progress_vla" in policy_names() and "progress_world_model" not in policy_names()
    with pytest.raises(ConfigError, match=r"'progress_world_model' is no policy: it is a stage"):
        load_policy(stages / "world")
    settings = {"method": "progress_world_model", "encoder": {"trunk": "none"}, "training": {"steps": 1}}
    config = parse_settings(settings, "test")
    with pytest.raises(ConfigError, match=r"progress_world_model predicts the maps of a frozen trunk"):
        make_learner(config, data, None)


def test_the_same_weights_are_guided_and_unguided(stages: Path, data: Sliding) -> None:
    asked = request(data, 8)
    plain, zero, guided = (serve(stages / "policy", strength) for strength in (0.0, 0.0, 20.0))
    chunk = plain.predict(asked).chunk
    assert np.array_equal(chunk.actions, zero.predict(asked).chunk.actions)
    assert np.array_equal(chunk.actions, plain.predict(asked).chunk.actions), "equal requests, equal answers"
    assert not np.array_equal(chunk.actions, guided.predict(asked).chunk.actions)
    assert plain.info == check_checkpoint(stages / "policy")
    assert plain.info.history == (FIRST, 0)


def test_a_chunk_tells_the_progress_unless_nobody_knows_the_instruction(stages: Path, data: Sliding) -> None:
    policy = serve(stages / "policy", 2.0)
    early, late = (policy.predict(request(data, frame)).chunk.progress for frame in (1, FRAMES - 1))
    assert early is not None and late is not None and early < late
    unknown = policy.predict(request(data, 1, instruction="fold a towel"))
    assert unknown.chunk.progress is None
    assert "never seen in training: no progress is told, and nothing guides" in unknown.notes[0]
    unguided = serve(stages / "policy", 0.0).predict(request(data, 1, instruction="fold a towel"))
    assert np.array_equal(unknown.chunk.actions, unguided.chunk.actions)


def test_a_guidance_that_a_policy_has_not_is_refused(stages: Path) -> None:
    with pytest.raises(ConfigError, match="guidance"):
        make_policy(find_method("hold"), Deployment(options={"guidance": 2.0}))
    with pytest.raises(ConfigError, match="guidance"):
        serve(stages / "policy", -1.0)


def test_real_time_chunking_is_served_and_nothing_that_needs_a_training(stages: Path, data: Sliding) -> None:
    policy = serve(stages / "policy", 0.0)
    asked = request(data, 8, sampling="rtc", omega=np.linspace(1, 0, ROWS).astype(np.float32))
    assert np.array_equal(policy.predict(asked).chunk.actions, policy.predict(asked).chunk.actions)
    with pytest.raises(PolicyError, match=r"progress_vla: sampling.*legato.*plain.*rtc"):
        policy.predict(request(data, 8, sampling="legato"))


def test_a_policy_learns_online_to_go_where_it_would_be_guided(
    stages: Path, data: Sliding, tmp_path: Path
) -> None:
    """Its estimator and its expert learn; world model and decoder stay."""
    ticks = np.arange(0, FRAMES, 2)
    rollouts = [
        Rollout(
            data.images[e * FRAMES + ticks],
            data.state[e * FRAMES + ticks],
            ticks,
            FRAMES - 1,
            30.0,
            True,
            TOLD,
        )
        for e in range(6)
    ]
    settings = {"steps": 4, "distil_steps": 8, "guidance": 5.0, "batch_size": 16}
    scores = learn_online(stages / "policy", rollouts, settings, tmp_path / "finer")
    assert {"distilled_loss", "anomalies", "mae", "mae_before"} <= {*scores}
    before, after = (
        load_checkpoint(folder, "progress_vla").weights for folder in (stages / "policy", tmp_path / "finer")
    )
    changed = {name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])}
    inside = {".".join(n.split(".")[:2]) for n in before if not np.array_equal(before[n], after[n])}
    assert changed == {"evaluator", "expert"} and "evaluator.world" not in inside
    assert check_checkpoint(tmp_path / "finer").horizon == ROWS
    assert serve(tmp_path / "finer", 0.0).predict(request(data, 4)).chunk.progress is not None


def test_what_is_distilled_is_the_noise_that_guidance_would_make(stages: Path, data: Sliding) -> None:
    policy = serve(stages / "policy", 0.0)
    assert isinstance(policy, ProgressVlaPolicy)
    ticks = np.arange(0, FRAMES, 2)
    rollout = Rollout(data.images[ticks], data.state[ticks], ticks, FRAMES - 1, 30.0, True, TOLD)
    watched = watch([rollout], policy.picture_encoder, policy.net.settings.progress, torch.device("cpu"))
    moments = transitions(watched, AFTER)
    assert moments[0].tolist() == [0, 0, AFTER // 2] and moments[-1, 2] == len(ticks) - 1

    def loss(guidance: float) -> float:
        normaliser = load_checkpoint(stages / "policy", "progress_vla").normaliser
        drawn = torch.Generator().manual_seed(0)
        return float(distilled_loss(policy.net, normaliser, watched, moments, guidance, drawn))

    assert loss(0.0) != loss(5.0)
    with pytest.raises(ConfigError, match="no episode is longer than the 99 ticks"):
        transitions(watched, 99)
