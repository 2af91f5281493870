"""Laws of the exit statuses: each is met by a test that runs a command to its end, or by one of this file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from . import graph_free

pytest.importorskip("rclpy", reason="needs ROS 2")

from segue_bringup.run.episode import Ending
from segue_bringup.run.outcome import describe
from segue_core.exit_status import ExitStatus
from segue_core.lease import Lease
from segue_scheduler.node import results
from segue_scheduler.node.watches import TickWatch

ROOT = Path(__file__).resolve().parents[2]
MET_BY = {
    ExitStatus.SUCCESS: "tests/system/test_scripted.py::test_a_task_is_done_by_its_expert_through_scheduler_and_"
    "controllers",
    ExitStatus.TASK_FAILED: "tests/system/test_act.py::test_chunks_of_act_are_averaged_in_a_live_run",
    ExitStatus.USAGE: "tests/system/test_bad_input.py::test_a_wrong_argument_is_refused_with_what_is_valid",
    ExitStatus.POLICY_REFUSED: "tests/system/test_bad_input.py::test_a_damaged_checkpoint_is_refused_before_anything_"
    "starts",
    ExitStatus.CONFLICT: "tests/system/test_ends.py::test_a_second_instance_is_refused_and_a_killed_first_one_leaves_"
    "nothing",
    ExitStatus.NODE_FAILED: "tests/system/test_ends.py::test_the_end_of_a_required_node_ends_the_run_and_names_the_"
    "node",
    ExitStatus.ENVIRONMENT: "tests/system/test_bad_input.py::test_a_window_without_a_display_is_refused_with_the_"
    "reason",
    ExitStatus.RUN_FAILED: "tests/errors/test_every_exit_status.py::test_a_run_that_a_fault_ended_fails_with_its_code",
    ExitStatus.TIMEOUT: "tests/system/test_ends.py::test_a_run_that_takes_too_long_is_given_up",
    ExitStatus.DATA: "src/segue_data/test/test_checks.py::test_unknown_places_and_names_are_one_sentence",
    ExitStatus.UNEXPECTED: "src/segue_bringup/test/test_cli.py::test_what_the_system_refuses_is_no_defect",
    ExitStatus.INTERRUPTED: "tests/faults/test_29_ways_out.py::test_a_run_in_motion_stops_its_arm_then_writes_its_"
    "result_and_its_bag",
    ExitStatus.READER_GONE: "tests/faults/test_29_ways_out.py::test_a_run_in_motion_stops_its_arm_then_writes_its_"
    "result_and_its_bag",
}


def test_every_status_is_met_by_a_test() -> None:
    assert set(MET_BY) == set(ExitStatus)


@pytest.mark.parametrize("status", MET_BY, ids=lambda status: status.name)
def test_the_test_that_meets_a_status_is_there_and_asserts_it(status: ExitStatus) -> None:
    file, name = MET_BY[status].split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert len(tests) == 1, f"no such test: {MET_BY[status]}"
    asserted = [node for node in ast.walk(tests[0]) if isinstance(node, ast.Assert)]
    tables = [
        node for node in tree.body if isinstance(node, ast.Assign)
    ]  # of what a test is parametrised with
    said = [ast.unparse(node) for node in (*tests[0].decorator_list, *asserted, *tables)]
    assert asserted and any(f"ExitStatus.{status.name}" in text for text in said)


def test_a_run_that_a_fault_ended_fails_with_its_code() -> None:
    """From the session, by the result that the client gets, to the exit status and result.json."""
    session = graph_free.session(Lease(1.0, required=False, now_s=0.0))
    session.judge_safety(armed=False, code=307, text="the button")
    result = results.result(session, TickWatch(), 30.0, cancelled=False, notes="")
    status, told = describe(Ending.RESULT, result, {}, seed=0)
    assert status == ExitStatus.RUN_FAILED
    assert (told["outcome"], told["error_code"], told["reason"]) == ("error", 307, "the button")
