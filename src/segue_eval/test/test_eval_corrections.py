"""Corrections of a real policy in the real world: they begin with its plan, and they work where it does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segue_core.action_space import ActionSpace
from segue_core.errors import ConfigError, DataError
from segue_data.contracts import config_folder
from segue_data.datasets.corrections import Correction, CorrectionsInfo, load, save
from segue_eval.build import Runner, Setup, SimulatedRunner
from segue_eval.cli import main
from segue_eval.corrections import CorrectedEpisodes, claim, finished, read_part, write_part
from segue_eval.simulated_plant import SimulatedPlant
from segue_sim.scripted.taking_over import witness

CHECKPOINT = config_folder() / "checkpoints" / "legato_pick_place"
SEED = 20_003


@pytest.fixture(scope="module")
def runner() -> Runner:
    scheduler = {"continuation": "legato", "time_limit_s": 4.0}
    return SimulatedRunner(Setup("pick_place", "legato", str(CHECKPOINT), scheduler=scheduler))()


def test_correcting_an_episode_leaves_it_as_it_was(runner: Runner, tmp_path: Path) -> None:
    plain, corrected = runner(SEED), CorrectedEpisodes(runner, tmp_path)(SEED)
    assert np.array_equal(corrected.actions, plain.actions)
    assert (corrected.ticks, corrected.score) == (plain.ticks, plain.score)
    assert finished(tmp_path) == {SEED}
    with np.load(tmp_path / "episodes" / f"{SEED}.npz") as part:
        delay = runner.lengths.delay
        assert len(part["action"]) >= 3
        assert np.array_equal(part["action"][:, :delay], part["reference"][:, :delay])
        steps = np.abs(np.diff(part["action"], axis=1))[:, :, [0, 1, 2, 7, 8, 9]]
        assert steps.max() < 0.03  # the expert takes over without a jump
        assert part["images"].std() > 10
        assert not np.array_equal(part["action"], part["reference"])


def test_a_correction_can_be_carried_out(runner: Runner) -> None:
    """From the middle of an episode of the policy the expert, taking over, finishes the task."""
    plant = runner.plant
    assert isinstance(plant, SimulatedPlant)
    plant.reset(SEED)
    seen = witness(plant.world)
    runner(SEED)  # four seconds by the policy
    now = plant.measured()
    with plant.imagined():
        expert = seen.see(now).taking_over(np.repeat(now[None], 20, axis=0))
        for tick in range(10_000, 10_900):
            plant.execute(expert.act(), tick)
            if expert.done:
                break
        assert plant.task_state().success
    assert not plant.task_state().success


def test_the_command_writes_what_training_reads(tmp_path: Path) -> None:
    out = tmp_path / "corrections"
    words = [
        "corrections",
        "--checkpoint",
        str(CHECKPOINT),
        "--seeds",
        f"{SEED}:{SEED + 1}",
        "--out",
        str(out),
    ]
    assert main([*words, "--time-limit", "3", "--workers", "1", "--quiet"]) == 0
    corrections = load(out)
    assert corrections.delay == 8
    assert corrections.known == 30
    assert corrections.images.shape[1:] == (3, 72, 96, 3)
    assert list(tmp_path.iterdir()) == [out]
    assert main([*words, "--quiet"]) != 0  # complete already


def test_a_collection_goes_on_with_its_own_setup_only(tmp_path: Path) -> None:
    folder = tmp_path / "some.unfinished"
    claim(folder, {"checkpoint_digest": "a", "scheduler": {"delay": 8}})
    claim(folder, {"checkpoint_digest": "a", "scheduler": {"delay": 8}})
    with pytest.raises(DataError, match=r"another setup \(checkpoint_digest\)"):
        claim(folder, {"checkpoint_digest": "b", "scheduler": {"delay": 8}})


def test_what_is_left_of_a_collection_is_the_setup_and_episodes_of_one_shape(tmp_path: Path) -> None:
    """Episodes of two shapes, and a setup of pairs of numbers, ended in NumPy's and Python's own exceptions."""
    space = ActionSpace.from_dict(load_space())
    chunk = np.zeros((60, 14), dtype=np.float32)
    one = Correction(np.zeros((1, 4, 4, 3), dtype=np.uint8), np.zeros(14, dtype=np.float32), chunk, chunk)
    write_part(tmp_path, 1, [one])
    write_part(tmp_path, 2, [])
    parts = [tmp_path / "episodes" / f"{seed}.npz" for seed in (1, 2)]
    assert [len(read_part(part, space, 1)) for part in parts] == [1, 0]
    write_part(tmp_path, 3, [replace(one, action=chunk[:9], reference=chunk[:9])])
    with pytest.raises(DataError, match=r"3\.npz: .*in other episodes \(60, 14\)"):
        read_part(tmp_path / "episodes/3.npz", space, 1, [one])
    with pytest.raises(DataError, match="1 cameras, expected 2"):
        read_part(parts[0], space, 2)
    (tmp_path / "episodes/4x.npz").write_bytes(b"")
    assert finished(tmp_path) == {1, 2, 3}
    (tmp_path / "setup.json").write_text('[[1, 2], ["a", 3]]')
    with pytest.raises(DataError, match=r"setup\.json"):
        claim(tmp_path, {"a": 3})


def test_broken_corrections_are_refused(tmp_path: Path) -> None:
    space = load_space()
    chunk = np.zeros((60, 14), dtype=np.float32)
    one = Correction(np.zeros((1, 4, 4, 3), dtype=np.uint8), np.zeros(14, dtype=np.float32), chunk, chunk)
    info = CorrectionsInfo(("head",), space, 8, 30, {})
    with pytest.raises(DataError, match="no corrections"):
        save(tmp_path / "none", [], info)
    save(tmp_path / "some", [one, one], info)
    assert len(load(tmp_path / "some").action) == 2
    with pytest.raises(DataError, match="not empty"):
        save(tmp_path / "some", [one], info)
    np.save(tmp_path / "some" / "state.npy", np.zeros((1, 14), dtype=np.float32))
    with pytest.raises(DataError, match="as many rows in each array"):
        load(tmp_path / "some")
    (tmp_path / "some" / "action.npy").unlink()
    with pytest.raises(DataError, match="holds no corrections"):
        load(tmp_path / "some")


def load_space() -> dict[str, object]:
    from segue_data.contracts import load_robot

    return load_robot("dual_arm").action_space.to_dict()


def test_an_expert_that_cannot_take_over_is_refused(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue_sim.experts.create", lambda world, seed: object())
    with pytest.raises(ConfigError, match="a ScriptedExpert, or one with a method taking_over"):
        CorrectedEpisodes(runner, tmp_path)(SEED)


def test_a_continuation_without_a_plan_is_refused_before_anything_is_collected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was said after the last episode."""
    words = ["--task", "push_button", "--robot", "franka", "--policy", "scripted", "--seeds", "1:2"]
    assert main(["corrections", *words, "--out", str(tmp_path / "none")]) != 0
    told = capsys.readouterr().err
    assert "naive_async" in told and "take legato or rtc" in told
    assert not list(tmp_path.iterdir())


def test_a_task_whose_expert_cannot_take_over_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue_sim.experts.waypoints.TAKES_OVER", False)
    words = ["--task", "push_button", "--robot", "franka", "--policy", "scripted", "--seeds", "1:2"]
    assert main(["corrections", *words, "--out", str(tmp_path / "none")]) != 0
    told = capsys.readouterr().err
    assert "push_button" in told and "pick_place" in told
    assert not list(tmp_path.iterdir())
