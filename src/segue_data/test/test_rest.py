"""Laws of rest: when a robot is said to stand still."""

from __future__ import annotations

import numpy as np

from segue_data.bags import messages
from segue_data.bags.definitions import typestore
from segue_data.recording.rest import RestWatch

NAMES = ("shoulder", "elbow")


def _feed(
    watch: RestWatch, position: float, velocity: list[float], ms: int, names: tuple[str, ...] = NAMES
) -> None:
    message = messages.joint_state(ms * 1_000_000, names, np.full(len(names), position), np.array(velocity))
    watch.note(bytes(typestore().serialize_cdr(message, "sensor_msgs/msg/JointState")))


def test_a_joint_that_turns_round_is_not_at_rest() -> None:
    watch = RestWatch(NAMES)
    for ms in range(0, 1000, 10):
        _feed(watch, 0.0, [0.0, 0.5 * np.cos(ms / 50)], ms)
        assert not watch.still
    for ms in range(1000, 1111, 10):
        _feed(watch, 0.0, [0.0, 0.009], ms)
    assert watch.still and watch.watched_s == 1.11


def test_a_robot_that_measures_no_speeds_rests_by_its_positions() -> None:
    watch = RestWatch(NAMES)
    for ms in range(0, 500, 10):
        _feed(watch, 0.001 * ms, [], ms)
        assert not watch.still
    for ms in range(500, 700, 10):
        _feed(watch, 0.5, [], ms)
    assert watch.still


def test_no_robot_rests_before_every_joint_was_heard_of() -> None:
    watch = RestWatch(NAMES)
    for ms in range(0, 500, 10):
        _feed(watch, 0.0, [0.0], ms, names=("elbow",))
    assert not watch.still
    for ms in range(500, 700, 10):
        _feed(watch, 0.0, [0.0], ms, names=("shoulder",))
    assert watch.still
