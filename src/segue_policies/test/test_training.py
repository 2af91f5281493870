"""Laws of the shared training loop and its data."""

from __future__ import annotations

import csv
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from segue_core.action_space import DUAL_ARM_EE
from segue_core.errors import ConfigError, DataError, ErrorCode, PolicyError
from segue_core.exit_status import ExitStatus
from segue_data.contracts import load_robot
from segue_data.datasets.synthetic import write_synthetic
from segue_policies.samples.augmentation import jitter, shift
from segue_policies.samples.batches import BatchSource
from segue_policies.samples.demonstrations import check_demonstrations, split
from segue_policies.samples.normaliser import ANCHORED, FLOORS, Normaliser, fit_normaliser
from segue_policies.training.budget import Budget, learning_rate
from segue_policies.training.chunk_error import chunk_errors
from segue_policies.training.command.arguments import parse
from segue_policies.training.command.train import main, train
from segue_policies.training.config import TrainingConfig
from segue_policies.training.curves import LOSS, SCORES, Curves, read_log
from segue_policies.training.patience import SCORE, Patience
from segue_policies.training.run_state import TrainingState, load_state, save_state
from segue_policies.training.state_numbers import NUMBERS, read_numbers
from segue_policies.training.tensorboard import EventLog

TRAININGS = Path(__file__).parents[3] / "config" / "training"


@pytest.mark.parametrize("name", sorted(path.stem for path in TRAININGS.glob("*.yaml")))
def test_every_shipped_training_begins_with_no_more_than_data_and_a_folder(name: str) -> None:
    given = parse([name, "data=/nowhere", "out=/somewhere"], TRAININGS)
    assert given.settings and (given.data, given.out) == (Path("/nowhere"), Path("/somewhere"))


def test_rows_past_the_end_of_an_episode_repeat_its_last_action(dots: Any) -> None:
    part, _ = split(dots, 20, 0.05, 0)
    frames = part.frames[15:16]
    chunk = part.chunks(frames)[0]
    left = int(part.last[frames[0]] - frames[0]) + 1
    np.testing.assert_array_equal(chunk[:left], dots.action[frames[0] : frames[0] + left])
    np.testing.assert_array_equal(chunk[left:], np.tile(chunk[left - 1], (20 - left, 1)))


def test_no_episode_is_in_both_parts(dots: Any) -> None:
    part, held_out = split(dots, 20, 0.1, 0)
    assert not set(dots.episode[part.frames]) & set(dots.episode[held_out.frames])
    assert len(part.frames) + len(held_out.frames) == len(dots.episode)


def test_a_split_file_decides_which_episodes_train(dots: Any, tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    file.write_text('{"episodes": {"train": [0, 3], "validation": [1], "test": [2]}}')
    part, held_out = split(dots, 20, 0.1, 0, str(file))
    assert set(dots.episode[part.frames]) == {0, 3} and set(dots.episode[held_out.frames]) == {1}
    assert part.last[part.frames[0]] == 19
    file.write_text('{"episodes": {"train": [0], "validation": []}}')
    with pytest.raises(DataError, match=r"split.json: 20 frames to train on, 0 to validate on"):
        split(dots, 20, 0.1, 0, str(file))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"train": [0, 1], "validation": [1]}, "episode 1 is in train and in validation"),
        ({"train": [0], "validation": [1], "test": [0]}, "episode 0 is in train and in test"),
        ({"train": [0, 0], "validation": [1]}, "episode 0 is in train and in train"),
        ({"train": [0], "validation": [999]}, "another dataset: this one has no episode 999"),
        ({"train": [0]}, "no part 'validation'"),
        ({"train": [0.5], "validation": [1]}, r"episodes.train.0: got 0.5"),
        ({"train": [True], "validation": [0]}, r"true and false .* are no numbers"),
    ],
)
def test_a_split_has_each_episode_of_its_own_dataset_once(
    parts: dict[str, list[Any]], said: str, dots: Any, tmp_path: Path
) -> None:
    file = tmp_path / "split.json"
    file.write_text(json.dumps({"episodes": parts}))
    with pytest.raises(DataError, match=f"split.json.*{said}") as refused:
        split(dots, 20, 0.1, 0, str(file))
    assert "segue data split" in refused.value.next_step


def test_a_torn_log_is_cut_where_the_training_goes_on(tmp_path: Path) -> None:
    """A training that was killed while it wrote a row ended, when it was to go on, in int('')."""
    curves = Curves(tmp_path)
    for step in (20, 40, 60):
        curves.add_scores(step, {"validation_loss": 1 / step})
    whole = (tmp_path / SCORES).read_bytes()
    (tmp_path / SCORES).write_bytes(whole[:-9])
    Curves(tmp_path).cut(60)
    assert [row["step"] for row in read_log(tmp_path / SCORES)] == [20, 40]
    curves.add_scores(60, {"validation_loss": 1 / 60})
    assert (tmp_path / SCORES).read_bytes() == whole
    (tmp_path / SCORES).write_text("step,valid")  # nothing whole
    Curves(tmp_path).cut(60)
    assert not (tmp_path / SCORES).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step,loss\n20,0.5\n40\n60,0.1\n", r"row 3: got \['40'\], expected a number for each of step, loss"),
        ("step,loss\n20,much\n", r"row 2: got \['20', 'much'\]"),
        ("step,loss\n-20,0.5\n", "row 2: step -20, allowed: 0 to"),
        ("step,loss\n40,0.5\n20,0.5\n", "row 3: step 20 after step 40"),
        ("20,0.5\n40,0.5\n", "row 1: got .* expected 'step'"),
    ],
)
def test_a_log_that_no_training_wrote_is_refused_by_its_row(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / LOSS).write_text(text)
    with pytest.raises(PolicyError, match=f"loss.csv: {said}") as refused:
        Curves(tmp_path).cut(40)
    assert "move loss.csv away" in refused.value.next_step
    Curves(tmp_path).cut(0)  # begun anew it needs none
    assert not (tmp_path / LOSS).exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"step": "x"}, "step: got 'x'"),
        ({"step": -1}, "step: got -1"),
        ({"elapsed_s": float("nan")}, "elapsed_s: got nan"),
        ({"unlogged": ["0.5", None]}, "unlogged.1: got None"),
        ({"memory": {"winners": "ab"}}, "memory.winners: got 'ab'"),
        ({"precision": "float16"}, "precision: got 'float16'"),
        ({"tensors": "../1.state.safetensors"}, "tensors: got"),
    ],
)
def test_a_state_that_no_training_wrote_is_refused_by_its_key(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    written = {"step": 1, "tensors": "1.state.safetensors", "elapsed_s": 2.0, "best": float("nan")}
    (tmp_path / NUMBERS).write_text(json.dumps(written))
    assert read_numbers(tmp_path).step == 1
    (tmp_path / NUMBERS).write_text(json.dumps(written | changes))
    with pytest.raises(PolicyError, match=f"cannot resume from .*state.json: {said}"):
        read_numbers(tmp_path)


def test_a_score_that_is_no_number_is_not_the_best_for_ever() -> None:
    patience = Patience(3)
    assert patience.better({SCORE: float("nan")}) and patience.better({SCORE: 1.0})
    assert not patience.better({SCORE: float("nan")}) and patience.best == 1.0


def test_a_batch_depends_on_seed_and_step_only(dots: Any) -> None:
    part, _ = split(dots, 20, 0.1, 0)
    streamed = BatchSource(part, 50, 2, seed=3).stream(0)
    late = [next(streamed) for _ in range(40)][39]
    direct = BatchSource(part, 50, 2, seed=3).batch(39)
    assert torch.equal(late.images, direct.images) and torch.equal(late.actions, direct.actions)
    assert not torch.equal(direct.actions, BatchSource(part, 50, 2, seed=4).batch(39).actions)


def test_an_epoch_shows_every_frame_once(dots: Any) -> None:
    part, _ = split(dots, 20, 0.1, 0)
    source = BatchSource(part, len(part.frames), 0, seed=0)

    np.testing.assert_allclose(
        source.batch(1).state.double().mean(0), dots.state[part.frames].mean(0), atol=1e-5
    )


def test_a_shift_moves_pixels_and_repeats_the_edge() -> None:
    ramp = np.arange(12, dtype=np.uint8)[None, None, None, :, None].repeat(8, 2).repeat(3, 4)
    moved = shift(ramp.repeat(16, 0), 2, np.random.default_rng(0))[:, 0, 0, :, 0].astype(int)
    steps = np.diff(moved, axis=1)
    assert set(np.unique(steps)) == {0, 1} and len(np.unique(moved[:, 0])) > 1
    assert shift(ramp, 0, np.random.default_rng(0)) is ramp


def test_jitter_keeps_the_picture_s_structure() -> None:
    images = torch.randn(4, 3, 3, 8, 8)
    changed = jitter(images, 0.2, 0.1, torch.Generator().manual_seed(0))
    assert not torch.equal(changed, images)
    correlation = torch.corrcoef(torch.stack([images[0, 0, 0].flatten(), changed[0, 0, 0].flatten()]))[0, 1]
    assert correlation > 0.999


@pytest.fixture
def fitted(dots: Any) -> tuple[Normaliser, torch.Tensor, torch.Tensor]:
    """Normaliser of some chunks, the chunks (n, H, D) and the states (n, S) they start from."""
    chunks = np.stack([dots.action[first : first + 12] for first in range(40)])
    normaliser = fit_normaliser(chunks, dots.state[:40], dots.images, DUAL_ARM_EE)
    return normaliser, torch.from_numpy(chunks), torch.from_numpy(dots.state[:40])


def test_normalising_and_back_is_the_identity(fitted: Any) -> None:
    normaliser, chunks, state = fitted
    encoded = normaliser.encode_actions(chunks, state)
    torch.testing.assert_close(normaliser.decode_actions(encoded, state), chunks, atol=1e-5, rtol=0)
    again = Normaliser.from_dict(normaliser.to_dict())
    assert torch.equal(again.encode_actions(chunks, state), encoded)


def test_normalised_poses_do_not_change_with_the_place_and_grippers_do_not_follow_the_state(
    fitted: Any,
) -> None:
    normaliser, chunks, state = fitted
    moved = torch.linspace(-0.3, 0.3, 14)
    here, there = (
        normaliser.encode_actions(chunks, state),
        normaliser.encode_actions(chunks + moved, state + moved),
    )
    gripper = [DUAL_ARM_EE.slice(name).start for name in ("left_gripper", "right_gripper")]
    pose = [k for k in range(14) if k not in gripper]
    torch.testing.assert_close(there[..., pose], here[..., pose], atol=1e-4, rtol=0)
    torch.testing.assert_close(
        normaliser.encode_actions(chunks, state + moved)[..., gripper], here[..., gripper]
    )


def test_still_dimensions_stay_small_and_far_rows_stay_fine(fitted: Any) -> None:
    scale = fitted[0].action_scale
    kind = DUAL_ARM_EE.channels[0].kind
    assert scale[0, 2] == np.float32(FLOORS[kind])
    assert scale[:, :3].max() <= np.float32(ANCHORED[kind])


def test_pictures_are_centred(dots: Any, fitted: Any) -> None:
    pixels = fitted[0].encode_images(torch.from_numpy(dots.images[:64]))
    assert pixels.shape[1:3] == (3, 3) and abs(float(pixels.mean())) < 0.05


def test_contradicting_arrays_are_refused(dots: Any) -> None:
    from dataclasses import replace

    broken = replace(dots, state=dots.state[:-1], rate_hz=10.0)
    with pytest.raises(DataError, match="state has .* frames.*rate is 10"):
        check_demonstrations(broken)


def test_chunk_errors_are_in_millimetres() -> None:
    actual = np.zeros((2, 60, 14), np.float32)
    predicted = actual.copy()
    predicted[:, 15:30, 0:2] = 0.003, 0.004
    errors = chunk_errors(predicted, actual, DUAL_ARM_EE)
    assert errors["position_mm_15"] == 0.0
    assert errors["position_mm_30"] == pytest.approx(
        5.0 * np.sqrt(0.25), rel=1e-5
    )  # one of two arms, half of the rows
    assert errors["gripper_accuracy"] == 1.0


def test_the_miss_at_the_grasp_is_the_nearest_approach_to_where_the_gripper_closes_whenever_that_is() -> None:
    """A path that comes there late misses nothing, although every row of it is off."""
    space, rows = DUAL_ARM_EE, np.arange(60)
    actual = np.zeros((2, 60, 14), np.float32)
    actual[..., space.slice("left_gripper")] = actual[..., space.slice("right_gripper")] = 1.0
    actual[:, :, space.slice("left_position").start] = 0.01 * rows
    actual[:, 30:, space.slice("left_gripper")] = 0.0
    late, beside = actual.copy(), actual.copy()
    late[:, :, space.slice("left_position").start] -= 0.05
    beside[:, :, space.slice("left_position").start + 1] = 0.02
    errors = chunk_errors(late, actual, space)
    assert errors["position_mm_60"] > 30 and errors["grasp_miss_mm"] == pytest.approx(0.0, abs=1e-3)
    assert errors["grasp_below_10mm"] == 1.0
    errors = chunk_errors(beside, actual, space)
    assert errors["grasp_miss_mm"] == pytest.approx(20.0, rel=1e-4) and errors["grasp_below_10mm"] == 0.0
    assert "grasp_miss_mm" not in chunk_errors(actual[:, :20], actual[:, :20], space)


def test_the_learning_rate_rises_then_falls_to_its_floor() -> None:
    config = TrainingConfig(steps=100, learning_rate=1.0, warmup_share=0.1, final_rate_share=0.01)
    rates = [learning_rate(used, config) for used in np.linspace(0, 1, 101)]
    assert rates[10] == pytest.approx(1.0) and rates[-1] == pytest.approx(0.01)
    assert all(np.diff(rates[:11]) > 0) and all(np.diff(rates[10:]) < 0)


def test_a_run_without_a_budget_is_refused() -> None:
    with pytest.raises(PolicyError, match="--steps or --minutes"):
        Budget.of(TrainingConfig())


def test_minutes_of_the_processor_pass_only_while_it_computes_and_are_shared_by_threads() -> None:
    budget = Budget.of(TrainingConfig(minutes=0.01, clock="processor", threads=2))
    budget.start()
    time.sleep(0.2)
    budget.advance()
    assert budget.elapsed_s < 0.1
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass
    budget.advance()
    assert budget.elapsed_s == pytest.approx(0.2, abs=0.08)


def test_a_resumed_run_ends_in_the_same_weights(dots: Any, settings: Any, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    plan = settings(steps=12, evaluations=3)
    train(plan, "test", dots, whole)
    with pytest.raises(Interrupted):
        train(plan, "test", interrupted_after(dots, 10), parts)  # the statistics read once
    train(plan, "test", dots, parts, resume=True)
    assert (whole / "weights.safetensors").read_bytes() == (parts / "weights.safetensors").read_bytes()
    assert (whole / "training/scores.csv").read_text() == (parts / "training/scores.csv").read_text()


def test_a_run_leaves_log_curves_and_a_readme(trained: Path) -> None:
    with (trained / "training/scores.csv").open() as file:
        scores = list(csv.DictReader(file))
    assert float(scores[-1]["validation_loss"]) < 0.5 * float(scores[0]["validation_loss"])
    assert (trained / "training/curves.png").stat().st_size > 1000
    assert "held out" in (trained / "README.md").read_text()
    assert all(array.dtype == np.float16 for array in load_file(trained / "weights.safetensors").values())


def test_an_occupied_folder_is_not_overwritten(trained: Path, dots: Any, settings: Any) -> None:
    with pytest.raises(PolicyError, match="not empty") as caught:
        train(settings(steps=1), "test", dots, trained)
    assert caught.value.code == ErrorCode.TRAINING_FAILED


def test_unknown_methods_and_settings_name_the_valid_ones(dots: Any, settings: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="legato"):
        train({"method": "legatto"}, "test", dots, tmp_path / "a")
    with pytest.raises(ConfigError, match="learning_rate"):
        train({"method": "legato", "training": {"learning_rte": 1}}, "test", dots, tmp_path / "b")


def test_the_command_line_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "no.yaml"
    assert main(["--config", str(config), "--data", "d", "--out", "o"]) == ExitStatus.USAGE
    assert "no.yaml" in capsys.readouterr().err


def test_a_dataset_that_nothing_can_be_learned_from_ends_in_the_status_of_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_synthetic(tmp_path / "ds", load_robot("dual_arm"), (3, 4), size=(16, 12))
    info = tmp_path / "ds/meta/info.json"
    info.write_text(info.read_text().replace('"total_frames": 7', '"total_frames": 9'))
    words = [f"out={tmp_path / 'out'}", "steps=1", "device=cpu"]
    assert main(["act", f"data={tmp_path / 'ds'}", *words]) == ExitStatus.DATA
    said = capsys.readouterr().err
    assert "ds, meta/info.json: says 2 episodes and 9 frames, the data files hold 2 and 7" in said
    assert main(["act", f"data={tmp_path / 'none'}", *words]) == ExitStatus.DATA


def test_demonstrations_that_are_not_finite_are_named_by_episode_frame_and_entry(dots: Any) -> None:
    action, state = dots.action.copy(), dots.state.copy()
    start = int(np.searchsorted(dots.episode, 1))
    action[start + 5, 2], state[1, 0] = np.nan, -np.inf
    with pytest.raises(DataError) as caught:
        check_demonstrations(replace(dots, action=action, state=state))
    name = dots.action_space.names[2]
    assert f"action, episode 1, frame 5: {name} is nan, expected a finite number" in caught.value.text
    assert "state, episode 0, frame 1: " in caught.value.text and " is -inf" in caught.value.text


class Interrupted(Exception):
    pass


class _Actions(np.ndarray[Any, Any]):
    """Actions that can be read a limited number of times, as if the process were killed then."""

    reads = 0

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, np.ndarray) and key.ndim == 2:
            _Actions.reads -= 1
            if _Actions.reads == 0:
                raise Interrupted
        return np.asarray(super().__getitem__(key))


def interrupted_after(dots: Any, batches: int) -> Any:
    from dataclasses import replace

    _Actions.reads = batches
    return replace(dots, action=dots.action.view(_Actions))


def test_a_disk_that_is_full_is_an_error_of_the_disk_and_leaves_the_state_before(tmp_path: Path) -> None:
    """The library's own error for it was taken for a defect of ours."""
    model = torch.nn.Linear(64, 64)
    trained = TrainingState(model, torch.nn.Linear(64, 64), torch.optim.Adam(model.parameters()))
    save_state(tmp_path, trained, {"step": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # no file may grow beyond it
    try:
        with pytest.raises(OSError, match="too large"):
            save_state(tmp_path, trained, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert load_state(tmp_path, trained).step == 1
    assert not list(tmp_path.glob(".*"))


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from segue_core.exit_status import ending
from segue_policies.testing.dots import make_act_settings, make_dots
from segue_policies.training.command.train import train
from segue_policies.training.tensorboard import EventLog

def log(folder):
    with EventLog(folder, 0, True) as events:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
        for step in range(100):
            events.add(step, {"loss": 1.0})

def learn(folder):
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
    train(make_act_settings(steps=40, evaluations=1, batch_size=8), "test", make_dots(3), folder)

try:
    {"log": log, "learn": learn}[sys.argv[1]](Path(sys.argv[2]))
except Exception as error:
    print(*ending(error))
"""


@pytest.mark.parametrize("what", ["log", "learn"])
def test_a_disk_that_fills_in_training_is_said_in_one_sentence_and_nothing_else(
    what: str, tmp_path: Path
) -> None:
    """TensorBoard's writer added traces of its thread at exit; was it the first to fail, training stood still."""
    command = [sys.executable, "-c", _ON_A_FULL_DISK, what, str(tmp_path / "out")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    told = "out" if what == "learn" else "a file"
    assert re.search(
        rf"^6 \[403 DATA_DISK\] .*{told} cannot be written: File too large", ran.stdout, re.MULTILINE
    )
    assert "Traceback" not in ran.stderr and "Exception" not in ran.stderr


def test_what_is_logged_is_what_tensorboard_reads(tmp_path: Path) -> None:
    for first_step in (0, 2):
        with EventLog(tmp_path, first_step, True) as events:
            events.add(first_step, {"train/loss": 0.5 + first_step})
    told = [event for file in sorted(tmp_path.iterdir()) for event in _events(file)]
    assert [
        (e.step, e.summary.value[0].tag, e.summary.value[0].simple_value) for e in told if e.summary.value
    ] == [
        (0, "train/loss", 0.5),
        (2, "train/loss", 2.5),
    ]
    assert [e.step for e in told if e.session_log.status] == [2]  # what came after is dropped


def _events(file: Path) -> list[Any]:
    """Records of a file: length, its checksum, the event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    data, found = file.read_bytes(), []
    while data:
        size = int.from_bytes(data[:8], "little")
        found.append(Event.FromString(data[12 : 12 + size]))
        data = data[16 + size :]
    return found
