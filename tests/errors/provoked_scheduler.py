"""100s: the chunk scheduler, its node's session, and goals."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from segue_core.errors import ErrorCode
from segue_core.lease import Lease
from segue_core.policy import CAPABILITIES
from segue_core.scheduler_config import SchedulerConfig
from segue_interfaces.action import RunTask
from segue_scheduler.chunk_check import check_chunk
from segue_scheduler.node import results
from segue_scheduler.node.session import Session
from segue_scheduler.node.watches import TickWatch
from segue_scheduler.scheduler import ChunkScheduler
from segue_scheduler.testing.drive import drive
from segue_scheduler.testing.line_robot import SPACE, scheduler
from segue_scheduler.testing.scripted_policy import Misbehaviour, ScriptedPolicy, policy_info
from segue_scheduler.tick import TickInput

from . import graph_free
from .provoking import Told, provokes


def _told(session: Session) -> Told:
    """What the client of RunTask gets."""
    result = results.result(session, TickWatch(), 30.0, cancelled=False, notes="")
    return Told(result.error_code, result.error_text)


def _given_up(how: Misbehaviour, **config: float) -> Told:
    """A run against a policy that answers once and then misbehaves, to its end."""
    session = graph_free.session(Lease(1.0, required=False, now_s=0.0))
    session.scheduler = scheduler(shortest=0, **config)
    policy = ScriptedPolicy(SPACE, misbehaviour=dict.fromkeys(range(1, 50), how))
    outputs, _ = drive(session.scheduler, policy, SPACE, 200)
    session.outcome = outputs[-1].outcome
    return _told(session)


@provokes(ErrorCode.SCHEDULER_INFEASIBLE, "H=60", "s=61", "s <= H")
def a_stride_beyond_the_horizon(_: Path) -> None:
    scheduler(stride=61)


@provokes(ErrorCode.SCHEDULER_CAPABILITY, "'legato'", "it lacks per_step_guidance", "got no capabilities")
def a_policy_that_takes_no_guidance(_: Path) -> None:
    scheduler(frozenset(), continuation="legato")


@provokes(ErrorCode.SCHEDULER_POLICY_MISMATCH, "another horizon", "got 50", "expected 60")
def a_policy_of_another_horizon(_: Path) -> None:
    ChunkScheduler(SchedulerConfig(), SPACE, policy_info(SPACE, 50, CAPABILITIES), 0)


@provokes(ErrorCode.CHUNK_NOT_FINITE, "chunk", "nan", "x")
def a_chunk_with_nan(_: Path) -> None:
    _check(Misbehaviour.NOT_FINITE)


@provokes(ErrorCode.CHUNK_WRONG_SHAPE, "chunk", "got (60, 0)", "expected (..., 1)")
def a_chunk_of_another_width(_: Path) -> None:
    _check(Misbehaviour.WRONG_WIDTH)


@provokes(ErrorCode.CHUNK_WRONG_START, "start tick", "got", "expected 0")
def a_chunk_for_another_tick(_: Path) -> None:
    _check(Misbehaviour.WRONG_START)


def _check(how: Misbehaviour) -> None:
    """The first answer of a misbehaving policy, judged as the scheduler judges it."""
    policy, machine = ScriptedPolicy(SPACE, misbehaviour={0: how}), scheduler(shortest=0)
    machine.start(0, np.zeros(1))
    request = machine.step(TickInput(0, np.zeros(1))).request
    assert request is not None
    (chunk,), _ = policy.answer(request)
    check_chunk(chunk, request, SPACE, policy_info(SPACE, 60, shortest=0))


@provokes(ErrorCode.SCHEDULER_BAD_INPUT, "measured state", "got (2,)", "expected (..., 1)")
def a_measured_state_of_another_width(_: Path) -> None:
    scheduler().start(0, np.zeros(2))


@provokes(ErrorCode.SCHEDULER_TICK_ORDER, "tick", "got 3", "more than 3")
def a_tick_that_comes_twice(_: Path) -> None:
    machine = scheduler()
    machine.start(3, np.zeros(1))
    for _again in range(2):
        machine.step(TickInput(3, np.zeros(1)))


@provokes(ErrorCode.SCHEDULER_STARVED, "20 starved ticks in a row")
def a_policy_that_falls_silent(_: Path) -> Told:
    return _given_up(Misbehaviour.SILENCE, max_starved_s=20 / 30)


@provokes(ErrorCode.SCHEDULER_BAD_CHUNKS, "3 refused chunks in a row", "CHUNK_NOT_FINITE")
def a_policy_that_answers_nan(_: Path) -> Told:
    return _given_up(Misbehaviour.NOT_FINITE, max_bad_chunks=3)


@provokes(ErrorCode.SCHEDULER_REQUESTS_FAILED, "4 failed requests in a row", "scripted failure")
def a_policy_that_fails(_: Path) -> Told:
    return _given_up(Misbehaviour.FAILURE, max_failed_requests=4)


@provokes(ErrorCode.TASK_BUSY, "another task is running", "goal ")
def a_second_goal(_: Path) -> Told:
    with graph_free.scheduler_bench() as bench:
        handles = [bench.send(RunTask.Goal()) for _ in range(2)]
        second: Any = handles[1].get_result_async()
        bench.until(second.done)
        return Told(second.result().result.error_code, second.result().result.error_text)


@provokes(ErrorCode.TASK_CANCELLED, "deactivated")
def a_scheduler_that_is_deactivated_in_a_run(_: Path) -> Told:
    with graph_free.scheduler_bench() as bench:
        bench.node.session = session = graph_free.session(Lease(9.0, required=False, now_s=time.monotonic()))
        bench.node.trigger_deactivate()
        return _told(session)


@provokes(ErrorCode.TASK_LEASE_EXPIRED, "client", "more than 1 s")
def a_client_that_dies(_: Path) -> Told:
    session = graph_free.session(Lease(1.0, required=True, now_s=0.0))
    for tick, now_s in ((0, 0.5), (1, 1.4), (2, 1.6)):
        session.step(tick, np.zeros(session.space.dim), tick, now_s)
    return _told(session)
