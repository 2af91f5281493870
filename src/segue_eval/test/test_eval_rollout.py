"""Laws of a lockstep episode, in the real MuJoCo world with the real scheduler and controller."""

import math
import time
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import SchedulerError
from segue_core.policy import PolicyInfo, PredictRequest, PredictResult
from segue_eval.build import Runner, Setup
from segue_eval.result import EpisodeResult, result_from_row
from segue_eval.simulated_plant import SimulatedPlant
from segue_eval.testing.doubles import CAMERAS, StreamingPolicy, TellingEstimator, WavingPolicy
from segue_scheduler.tick import TickInput, TickOutput

SHORT = Setup("pick_place", "waving", "", scheduler={"time_limit_s": 3.0})


def run(
    robot: RobotConfig,
    task: TaskConfig,
    plant: SimulatedPlant,
    policy: WavingPolicy,
    setup: Setup = SHORT,
    seed: int = 3,
) -> EpisodeResult:
    return Runner(robot, task, policy, plant, setup)(seed)


def test_equal_seeds_give_equal_episodes_whatever_ran_in_between(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    policy = WavingPolicy()
    first = run(robot, task, plant, policy)
    images = [request.observation.images["head"] for request in policy.requests]
    run(robot, task, plant, WavingPolicy(height=0.05), seed=4)
    again = run(robot, task, plant, policy)
    assert first.actions.tobytes() == again.actions.tobytes()
    assert replace(first, wall_s=0, actions=again.actions) == replace(again, wall_s=0)
    assert all(
        np.array_equal(a, r.observation.images["head"]) for a, r in zip(images, policy.requests, strict=True)
    )


def test_of_several_tries_at_a_seed_the_first_success_counts_and_each_has_other_noise(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    """Pass@N: the world is the seed's every time, the noise of the policy is not."""

    def tried(tries: int, lucky: int, watched: list[int] | None = None) -> tuple[EpisodeResult, Attempts]:
        runner = Attempts(
            robot, task, WavingPolicy(), plant, replace(SHORT, scheduler={"time_limit_s": 0.5}, tries=tries)
        )
        runner.lucky = lucky
        seen = None if watched is None else lambda given, _: watched.append(given.tick)
        runner.firsts = []
        return runner(3, on_tick=seen), runner

    once, plain = tried(1, 1)
    third, several = tried(5, 3)
    assert once.tries == 1 and plain.firsts[0].seed == several.firsts[0].seed
    assert (third.success, third.tries) == (True, 3)
    firsts = several.firsts
    assert len({request.seed for request in firsts}) == len(firsts) == 3
    assert len({request.observation.state.tobytes() for request in firsts}) == 1
    never, _ = tried(2, 9)
    assert (never.success, never.tries) == (False, 2)
    ticks: list[int] = []
    tried(3, 2, ticks)
    assert ticks == list(range(len(ticks))), "one episode is watched, the one that counts"
    row = third.to_row()
    assert result_from_row(row).tries == 3
    assert result_from_row({name: value for name, value in row.items() if name != "tries"}).tries == 1


class Attempts(Runner):
    """One whose attempt of the number `lucky` succeeds; `firsts` are the first request of each."""

    lucky = 1
    firsts: list[PredictRequest]

    def _attempt(self, seed: int, number: int, on_tick: Any) -> EpisodeResult:
        result = super()._attempt(seed, number, on_tick)
        self.firsts.append(cast(WavingPolicy, self.policy).requests[0])
        return replace(result, success=number == self.lucky)


@pytest.mark.parametrize("delay", [1, 6, 10])
def test_a_chunk_is_delivered_exactly_d_ticks_after_its_request(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant, delay: int
) -> None:
    setup = replace(SHORT, scheduler={"time_limit_s": 3.0, "delay": delay, "ramp": 10})
    result = run(robot, task, plant, WavingPolicy(), setup)
    assert set(result.delays) == {delay}
    assert result.starved == 0


def test_the_policy_is_shown_each_request_tick_at_its_own_image_size(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    policy = WavingPolicy()
    result = run(robot, task, plant, policy)
    assert len(policy.requests) == len(result.seams) + (policy.requests[-1].start_tick + 8 >= result.ticks)
    for request in policy.requests:
        assert request.observation.tick == request.start_tick
        assert {name: image.shape for name, image in request.observation.images.items()} == dict.fromkeys(
            CAMERAS, (72, 96, 3)
        )


def test_commands_follow_the_chunk_and_the_robot_follows_the_commands(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    seen: list[tuple[TickInput, TickOutput]] = []
    policy = WavingPolicy()
    Runner(robot, task, policy, plant, SHORT)(3, on_tick=lambda given, made: seen.append((given, made)))
    column = robot.action_space.slice("left_position").start + 2
    commanded = np.array([made.action[column] for _, made in seen])
    measured = np.array([given.measured[column] for given, _ in seen])
    assert np.ptp(commanded) == pytest.approx(0.04, abs=2e-3)
    assert np.abs(commanded[10:-5] - measured[15:]).mean() < 2e-3  # 2 ticks of interpolation, 3 of the arm


def test_an_answer_later_than_all_rows_starves_and_is_counted(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    setup = replace(SHORT, scheduler={"time_limit_s": 4.5, "max_starved_s": 6.7}, latency="50")
    result = run(robot, task, plant, WavingPolicy(), setup)
    assert result.starved == 20  # rows for ticks 50..109; asked at 80, answered at 130
    assert result.rule == "time_limit"


def test_a_policy_that_fails_ends_the_episode_as_a_fault_and_raises_nothing(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    setup = replace(SHORT, scheduler={"time_limit_s": 3.0, "max_failed_requests": 3})
    result = run(robot, task, plant, WavingPolicy(failing=True), setup)
    assert (result.success, result.rule) == (False, "fault")
    assert "told to fail" in result.reason


def test_an_episode_that_cannot_succeed_ends_at_its_time_limit_with_no_success(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    result = run(robot, task, plant, WavingPolicy())
    assert (result.success, result.rule, result.seconds) == (False, "time_limit", pytest.approx(3.0, abs=0.1))


class Slow(WavingPolicy):
    """Computes for at least 0.12 s, which are four ticks."""

    def predict(self, request: PredictRequest) -> PredictResult:
        until = time.perf_counter() + 0.12
        while time.perf_counter() < until:
            pass
        return super().predict(request)


def test_the_world_goes_on_while_a_policy_computes_when_its_latency_is_measured(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    """By construction an answer takes the planned tick; that the world stood still is not seen."""
    adaptive = {"time_limit_s": 2.0, "delay_mode": "adaptive", "delay": 1, "ramp": 10}
    planned = run(robot, task, plant, Slow(), replace(SHORT, scheduler=adaptive))
    measured = run(robot, task, plant, Slow(), replace(SHORT, scheduler=adaptive, latency="measured"))
    assert set(planned.delays) == {1} and min(measured.delays) >= 4
    assert measured.first_action_s >= 4 / 30 > planned.first_action_s


class Trained(WavingPolicy):
    """Was trained for delays of up to six ticks and ramps of up to twenty."""

    @property
    def info(self) -> PolicyInfo:
        return replace(super().info, max_delay=6, max_ramp=20)


def test_lengths_that_do_not_fit_the_policy_are_refused_before_anything_moves(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    with pytest.raises(SchedulerError, match="delay 8 does not fit, 6 does"):
        run(robot, task, plant, Trained())


def test_shortened_lengths_are_counted_and_said_in_the_result(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    setup = replace(SHORT, scheduler={"time_limit_s": 2.5, "when_infeasible": "shorten"})
    policy = Trained()
    result = run(robot, task, plant, policy, setup)
    assert {request.delay for request in policy.requests[1:]} == {6}
    assert {request.instruction for request in policy.requests} == {task.instruction} != {""}
    assert result.shortened == len(policy.requests) - 1 >= 2
    assert any("delay shortened from 8 to 6" in note for note in result.notes)


def test_jitter_with_a_delay_buffer_claims_what_was_measured_and_says_when_it_cannot(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    scheduler = {
        "time_limit_s": 4.0,
        "stride": 15,
        "delay": 4,
        "ramp": 10,
        "delay_mode": "adaptive",
        "warmup": 0,
    }
    setup = replace(SHORT, scheduler=scheduler, latency="5:9")
    policy = Trained()
    result = run(robot, task, plant, policy, setup)
    assert set(result.delays) <= set(range(5, 10)) and len(set(result.delays)) > 1
    longest = max(result.delays)
    assert longest > 6 and result.shortened >= 1
    assert any(note.startswith("delay shortened from") for note in result.notes)
    assert all(request.delay <= 6 for request in policy.requests)
    again = run(robot, task, plant, Trained(), setup)
    assert again.delays == result.delays  # jitter is drawn by the seed


def test_a_policy_that_streams_is_charged_by_the_row(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    """A third of the rows is there after a third of the delay; what is commanded then is the same."""
    adaptive = replace(SHORT, latency="9", scheduler={"time_limit_s": 1.0, "delay_mode": "adaptive"})
    moved: dict[str, int] = {}
    for policy in (WavingPolicy(), StreamingPolicy()):
        seen: list[TickOutput] = []
        Runner(robot, task, policy, plant, adaptive)(3, on_tick=lambda _, made, seen=seen: seen.append(made))
        moved[type(policy).__name__] = next(output.tick for output in seen if output.seam)
    assert moved == {"WavingPolicy": 9, "StreamingPolicy": 3}


LEARNED = replace(
    SHORT,
    scheduler={
        "time_limit_s": 8.0,
        "termination": ("progress_threshold",),
        "rule_options": {"progress_threshold": {"ema": 1.0}},
    },
)


def test_an_estimator_beside_any_policy_sees_it_five_times_a_second_and_ends_its_task(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    estimator = TellingEstimator(50, (task.instruction,))
    result = Runner(robot, task, WavingPolicy(), plant, LEARNED, estimator)(3)
    assert [seen.tick for seen in estimator.seen] == list(range(0, result.ticks - 1, 6))
    assert {image.shape for seen in estimator.seen for image in seen.images.values()} == {(36, 48, 3)}
    assert estimator.told == task.instruction
    assert result.rule == "progress_threshold"
    assert result.ticks - 1 == 48 + 2 + 30  # 0.96 at tick 48, heard two ticks later, held for a second
    assert result.false_stop  # the judge has its own eyes
    assert 0.9 < result.progress_pearson < 1 and 0.1 < result.progress_mae < 0.3 and result.stop_reliable == 1
    again = result_from_row(result.to_row())
    assert (again.progress_pearson, again.path_m) == (result.progress_pearson, result.path_m)
    assert 0.02 < result.path_m < 1


def test_an_estimator_changes_nothing_but_the_end(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    alone = Runner(robot, task, WavingPolicy(), plant, SHORT)(3)
    watched = Runner(robot, task, WavingPolicy(), plant, SHORT, TellingEstimator(60, (task.instruction,)))(3)
    assert alone.actions.tobytes() == watched.actions.tobytes()


def test_an_estimator_that_never_heard_the_instruction_is_silent_and_the_time_limit_ends_the_task(
    robot: RobotConfig, task: TaskConfig, plant: SimulatedPlant
) -> None:
    setup = replace(LEARNED, scheduler={**LEARNED.scheduler, "time_limit_s": 4.0})
    estimator = TellingEstimator(30, ("pour the tea",))
    result = Runner(robot, task, WavingPolicy(), plant, setup, estimator)(3)
    assert result.rule == "time_limit"
    assert estimator.seen == [] and math.isnan(result.progress_pearson)
