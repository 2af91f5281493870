"""The witness of the fault suite tells a bad command, and blames nobody for what it did not hear."""

from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from own_domain import own_domain
from rclpy.context import Context

from .witness import Heard, Witness

HOME = np.array([0.0, -0.8, 0.0, -2.3, 0.0, 1.6, 0.8])
STILL = np.zeros(7)


@pytest.fixture
def witness() -> Iterator[Witness]:
    context = Context()
    rclpy.init(context=context, domain_id=own_domain())
    yield Witness(rclpy.create_node("witness", context=context), "franka")
    context.try_shutdown()


def _joints(witness: Witness, since_s: float) -> None:
    """From `since_s` on, read by the witness in a backlog of half a second."""
    for step in range(240):
        sim_s = since_s + step / 120
        witness.joints.append(Heard(sim_s + 0.5, sim_s, HOME + 0.5 * (sim_s - 1.0), STILL))


def _command(witness: Witness, sim_s: float, ahead: float = 0.0) -> None:
    witness.commands.append(Heard(sim_s, sim_s, HOME + 0.5 * (sim_s - 1.0) + ahead, STILL))


def test_a_stream_that_begins_where_the_joints_are_is_right_however_late_they_are_read(
    witness: Witness,
) -> None:
    _joints(witness, 1.0)
    _command(witness, 1.8)
    assert witness.bad_commands() == []


def test_a_stream_that_begins_elsewhere_is_found(witness: Witness) -> None:
    _joints(witness, 1.0)
    _command(witness, 1.8, ahead=0.1)
    assert "begins 0.1" in witness.bad_commands()[0]


def test_a_command_from_before_the_joints_were_heard_is_not_compared_with_where_they_are_later(
    witness: Witness,
) -> None:
    """Topics are discovered one after the other: a stream once began "0.6 rad from the joints" of a second later."""
    _command(witness, 1.0)
    _joints(witness, 2.2)
    assert witness.bad_commands() == []
