"""Laws of the progress estimator: it learns what pictures show, keeps its promise, and says what it does not know."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from segue_core.errors import ConfigError, PolicyError
from segue_core.observation import Observation
from segue_core.progress.anomalies import anomalies, lowest_after
from segue_core.progress.calibration import Calibration, stop_tick
from segue_core.progress.instructions import familiarity
from segue_core.progress.stop import StopOptions
from segue_policies.checkpoints.checkpoint import CONFIG
from segue_policies.estimator_loading import calibrated, check_estimator, make_estimator
from segue_policies.method import find_method, policy_names, trainable
from segue_policies.methods.progress_vla.config import ProgressConfig
from segue_policies.methods.progress_vla.info import stop_record
from segue_policies.methods.progress_vla.learner import PLOT, ProgressLearner
from segue_policies.methods.progress_vla.online.episodes import Said, Watched
from segue_policies.methods.progress_vla.online.progress import mined, monotonicity_loss
from segue_policies.networks.words import word_rows
from segue_policies.online_finetuning import learn_online
from segue_policies.policy_loading import check_checkpoint, load_policy
from segue_policies.samples.rollouts import Rollout
from segue_policies.testing.dots import Dots, picture
from segue_policies.training.command.train import train

FRAMES, CAMERAS = 40, ("head",)
TOLD = "Push the dot to the right"


class Sliding(Dots):
    """A dot goes from the left to the right, and only pictures show how far."""

    def instruction(self, episode: int) -> str:
        return TOLD


def slides(episodes: int, seed: int = 0) -> Sliding:
    rng = np.random.default_rng(seed)
    along = np.linspace(-0.8, 0.8, FRAMES)
    shown = [[picture(x, y) for x in along] for y in rng.uniform(-0.6, 0.6, episodes)]
    images = np.array(shown).reshape(-1, 1, *picture(0, 0).shape)
    rows = np.zeros((len(images), 14), dtype=np.float32)
    return Sliding(images, rows, rows, np.repeat(np.arange(episodes), FRAMES), CAMERAS)


def settings(**changes: Any) -> dict[str, Any]:
    training = {
        "steps": 200, "batch_size": 32, "threads": 1, "learning_rate": 3e-3, "precision": "float32", "evaluations": 1,
        "validation_share": 0.5, "average_decay": 0.9, "shift_pixels": 0, "brightness": 0.1, "colour": 0.0,
    }  # fmt: skip
    network = {"width": 32, "heads": 2, "feedforward": 32, "hidden": 32, "dropout": 0.0, "merge": 1}
    given = {"method": "progress_estimator", "encoder": {"trunk": "none", "every": 1}, "network": network}
    return {**given, "training": training, **changes}


@pytest.fixture(scope="module")
def data() -> Sliding:
    return slides(40)


@pytest.fixture(scope="module")
def trained(data: Sliding, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("estimator") / "trained"
    train(settings(), "test", data, out)
    return out


def seen(data: Sliding, frame: int) -> Observation:
    pictures = dict(zip(CAMERAS, data.images[frame], strict=True))
    return Observation(frame, data.state[frame], pictures)


def along(folder: Path, data: Sliding, instruction: str = TOLD) -> list[float]:
    estimator = make_estimator(folder)
    estimator.begin(instruction)
    return [estimator.estimate(seen(data, frame)) for frame in range(FRAMES)]


def test_it_sees_how_far_a_task_is_that_it_was_never_shown(trained: Path) -> None:
    said = along(trained, slides(1, seed=99))
    ramp = np.linspace(0, 1, FRAMES)
    assert np.corrcoef(said, ramp)[0, 1] > 0.9
    assert np.abs(np.array(said) - ramp).mean() < 0.15


def test_what_it_says_does_not_depend_on_the_task_before(trained: Path) -> None:
    data, other = slides(1, seed=99), slides(1, seed=7)
    alone = along(trained, data)
    estimator = make_estimator(trained)
    estimator.begin(TOLD)
    estimator.estimate(seen(other, FRAMES - 1))
    estimator.begin(TOLD)
    assert [estimator.estimate(seen(data, frame)) for frame in range(FRAMES)] == alone


def test_a_checkpoint_says_what_it_was_trained_on_and_what_its_stop_promises(trained: Path) -> None:
    info = check_estimator(trained)
    assert info == make_estimator(trained).info
    assert (info.cameras, info.image_size, info.instructions) == (CAMERAS, (48, 40), (TOLD,))
    assert info.threshold is not None
    assert "at most 9.1 % false stops, more than the 2 % asked for (10 demonstrations)" in info.promise
    assert info.promise in (trained / "README.md").read_text()
    assert (trained / PLOT).read_bytes().startswith(b"\x89PNG")


def test_the_scores_are_of_demonstrations_that_neither_trained_nor_calibrated(data: Sliding) -> None:
    learner = ProgressLearner(ProgressConfig.model_validate(settings()), data)
    scores = learner.evaluate(learner.model)
    judged = learner.judged
    assert len(judged.quiet) + len(judged.traces) == 20
    assert {"validation_loss", "pearson", "mae", "stop_reliability", "false_stops", "missed_stops"} <= {
        *scores
    }
    stops = [
        stop_tick(t, StopOptions(), 30.0, t.last_tick, judged.calibration.threshold) for t in judged.traces
    ]
    early = [
        stop is not None and stop < 0.95 * t.last_tick for stop, t in zip(stops, judged.traces, strict=True)
    ]
    assert scores["false_stops"] == np.mean(early)


def test_a_run_takes_the_calibrated_threshold_unless_it_is_told_another(trained: Path) -> None:
    info, rules = check_estimator(trained), ("progress_threshold",)
    taken = calibrated(trained, info, rules, {"progress_threshold": {"hold_s": 2.0}})
    assert taken == {"progress_threshold": {"hold_s": 2.0, "value": info.threshold}}
    told = {"progress_threshold": {"value": 0.7}}
    assert calibrated(trained, info, rules, told) == told
    assert calibrated(trained, info, ("time_limit",), {}) == {}
    with pytest.raises(ConfigError, match=r"give rule_options a value"):
        calibrated(trained, replace(info, threshold=None), rules, {})


def test_an_estimator_is_no_policy_and_a_policy_no_estimator(trained: Path, tmp_path: Path) -> None:
    assert "progress_estimator" in trainable()
    assert "progress_estimator" not in policy_names()
    for refused in (load_policy, check_checkpoint):
        with pytest.raises(ConfigError, match=r"is no policy.*progress:=FOLDER"):
            refused(trained)
    config = yaml.safe_load((trained / CONFIG).read_text()) | {"method": "act"}
    (tmp_path / CONFIG).write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError, match=r"'act' estimates no progress; .*progress_estimator"):
        check_estimator(tmp_path)


def test_a_robot_without_its_cameras_is_refused_by_name(trained: Path) -> None:
    with pytest.raises(ConfigError, match="looks through head, which this robot has not"):
        check_estimator(trained, ("left_wrist",))


def test_pictures_of_another_size_are_refused(trained: Path) -> None:
    estimator = make_estimator(trained)
    estimator.begin(TOLD)
    with pytest.raises(PolicyError, match="image 'head'"):
        estimator.estimate(
            Observation(0, np.zeros(14, np.float32), dict.fromkeys(CAMERAS, np.zeros((8, 8, 3), np.uint8)))
        )


@pytest.mark.parametrize("damage", [{"threshold": 1.5}, {"budget": 0.0}, {"instructions": 3}, {"more": 1}])
def test_a_damaged_calibration_is_refused(trained: Path, tmp_path: Path, damage: dict[str, Any]) -> None:
    for file in trained.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    config = yaml.safe_load((trained / CONFIG).read_text())
    config["settings"]["stop"] |= damage
    (tmp_path / CONFIG).write_text(yaml.safe_dump(config))
    with pytest.raises(PolicyError, match=rf"config.yaml: .*{next(iter(damage))}"):
        check_estimator(tmp_path)


def test_words_are_the_same_rows_on_every_machine() -> None:
    network = ProgressConfig().network
    rows = word_rows("Push the dot!", network.longest, network.word_buckets)
    assert rows[:4].tolist() == [613, 487, 164, 0]
    assert np.array_equal(rows, word_rows("push THE dot", network.longest, network.word_buckets))
    assert (
        np.count_nonzero(word_rows("word " * 100, network.longest, network.word_buckets)) == network.longest
    )


def test_no_instruction_is_no_number_that_is_not_one(trained: Path, data: Sliding) -> None:
    said = along(trained, data, "")
    assert np.isfinite(said).all()
    assert familiarity("", check_estimator(trained).instructions) == 0.0


def test_the_size_of_the_paper_can_be_built(data: Sliding) -> None:
    """App. A: width 1024, 8 heads, 6 blocks, head 512; on what DINOv2 gives of a picture."""
    from segue_policies.methods.progress_vla.build import build_network
    from segue_policies.vision.config import Given

    paper = yaml.safe_load(
        (Path(__file__).parents[3] / "config/training/progress_vla_paper.yaml").read_text()
    )
    network = ProgressConfig.model_validate(paper).network
    with torch.device("meta"):
        net = build_network(network, Given(768, (16, 16)), 1)
    assert (net.roles.shape[1], len(net.blocks), net.head[0].out_features) == (1024, 6, 512)
    assert net.project.kernel_size == (1, 1)


def test_a_calibration_survives_its_checkpoint() -> None:
    found = Calibration(0.0, 0.02, 0.02, 49)
    assert stop_record(found, ("a",))["threshold"] == 1e-6
    assert find_method("progress_estimator").estimator


DIMMED, DARK = range(14, 27), 120


def rolled(seeds: range, *, success: bool = True) -> list[Rollout]:
    """Episodes of a policy in which somebody dims the light half-way: an estimator that never saw it says nonsense."""
    data, every = slides(len(seeds), seed=seeds.start), 2
    made = []
    for episode in range(len(seeds)):
        ticks = np.arange(0, FRAMES, every)
        images = data.images[episode * FRAMES + ticks].copy()
        dim = np.isin(ticks, DIMMED)
        images[dim] = np.maximum(images[dim].astype(int) - DARK, 0).astype(np.uint8)
        state = data.state[: len(ticks)]
        made.append(Rollout(images, state, ticks, FRAMES - 1, 30.0, success, TOLD))
    return made


def test_progress_that_falls_is_an_anomaly_and_the_loss_is_what_is_missing_of_a_rise() -> None:
    said = np.array([0.1, 0.4, 0.2, 0.35, 0.3, 0.9])
    assert lowest_after(said).tolist() == [2, 2, 4, 4, 5]
    assert anomalies(said, 0.04).tolist() == [[1, 2], [3, 4]]
    assert len(anomalies(np.linspace(0, 1, 9), 0.0)) == 0 and len(anomalies(said[:1], 0.0)) == 0
    watched = [Watched(rolled(range(1))[0], torch.zeros(6, 1, 1), torch.zeros(1, 1), torch.zeros(6))]
    watched[0].maps[:, 0, 0] = torch.from_numpy(said).float()
    say: Said = lambda first, now, words: now[:, 0, 0]  # noqa: E731
    falls = mined(watched, say, 0.04)
    assert falls.tolist() == [[0, 1, 2], [0, 3, 4]]
    torch.testing.assert_close(float(monotonicity_loss(say, watched, falls, 0.04)), (0.24 + 0.09) / 2)
    assert monotonicity_loss(say, watched, falls[:0], 0.04) == 0


def test_online_finetuning_mends_what_the_estimator_says_where_policies_lead(
    trained: Path, tmp_path: Path
) -> None:
    settings = {"steps": 25, "learning_rate": 2e-3, "batch_size": 32, "mine_every": 10}
    scores = learn_online(trained, rolled(range(50, 62)), settings, tmp_path / "finer")
    assert scores["anomalies_before"] > 0.05 and scores["anomalies"] < 0.5 * scores["anomalies_before"]
    assert scores["mae"] < 0.8 * scores["mae_before"]
    info, before = check_estimator(tmp_path / "finer"), check_estimator(trained)
    assert info.instructions == before.instructions and "(2 demonstrations)" in info.promise
    assert (tmp_path / "finer" / PLOT).is_file()
    assert along(tmp_path / "finer", slides(1, seed=99)) != along(trained, slides(1, seed=99))
    first, again = (learn_online(trained, rolled(range(3)), {"steps": 1}, tmp_path / name) for name in "ab")
    assert first == again


def test_online_finetuning_without_successes_or_with_unknown_settings_is_refused(
    trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"too few episodes succeeded.*got 0 of 4.*more seeds"):
        learn_online(trained, rolled(range(4), success=False), {}, tmp_path / "finer")
    with pytest.raises(ConfigError, match="unknown key 'margn'"):
        learn_online(trained, rolled(range(4)), {"margn": 0.1}, tmp_path / "finer")
    assert not (tmp_path / "finer").exists()
