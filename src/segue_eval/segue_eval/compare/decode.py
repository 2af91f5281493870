"""Messages of a bag as core types, without ROS (`segue_ros.conversions` does the same for live messages)."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue_core.action_space import action_space
from segue_core.chunk import ActionChunk
from segue_core.policy import PolicyInfo
from segue_core.task_state import TaskState
from segue_scheduler.replay import Joint, Witness
from segue_scheduler.tick import TickInput


def chunk_of(message: Any) -> ActionChunk:
    """A recorded chunk, bit by bit."""
    return ActionChunk(
        np.asarray(message.actions, dtype=np.float32).reshape(int(message.horizon), int(message.dim)),
        int(message.start_tick),
        str(message.source),
        int(message.sequence),
        float(message.progress) if message.has_progress else None,
        bool(message.stop),
        np.asarray(message.omega, dtype=np.float32) if len(message.omega) else None,
    )


def _task_of(message: Any) -> TaskState:
    return TaskState(
        bool(message.success),
        float(message.score),
        int(message.placed),
        int(message.total),
        str(message.text),
    )


def input_of(message: Any) -> TickInput:
    """What the scheduler was given at one tick."""
    return TickInput(
        tick=int(message.tick),
        measured=np.asarray(message.measured, dtype=np.float64),
        chunks=tuple(chunk_of(chunk) for chunk in message.chunks),
        failures=tuple(str(text) for text in message.failures),
        task=_task_of(message.task) if message.has_task else None,
        stop_requested=bool(message.stop_requested),
    )


def witness_of(state: Any, command: Any) -> Witness:
    """What was published at one tick."""
    joint = Joint(
        int(state.chunk_sequence),
        int(state.chunk_start_tick),
        int(state.delay_ticks),
        int(state.dropped_rows),
        float(state.jump),
    )
    action = np.asarray(command.action, dtype=np.float64)
    return Witness(action, str(state.phase), bool(state.starved), joint if state.spliced else None)


def info_of(message: Any) -> PolicyInfo:
    """What the recorded policy was and could do; raises ConfigError for a space or capability that is not known."""
    return PolicyInfo(
        name=str(message.name),
        action_space=action_space(str(message.action_space), float(message.rate_hz)),
        horizon=int(message.horizon),
        num_steps=int(message.num_steps),
        rate_hz=float(message.rate_hz),
        cameras=tuple(str(name) for name in message.cameras),
        image_size=(int(message.image_width), int(message.image_height)),
        capabilities=frozenset(str(name) for name in message.capabilities),
        max_delay=int(message.max_delay),
        max_ramp=int(message.max_ramp),
    )
