"""A policy node that sways and, when told, gives answers as no policy should: `python -m tests.faults.rogue_policy`."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import KeyValue
from numpy.typing import NDArray
from rclpy.action.server import ServerGoalHandle
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from segue_core.action_space import ChannelKind
from segue_core.contracts.robot import RobotConfig
from segue_core.policy import Policy, PolicyInfo, PredictRequest, PredictResult
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk
from segue_policies.deployment import Deployment
from segue_policies.methods.sway.policy import SwayPolicy
from segue_policies.node.policy import PolicyNode, PolicyParameters
from segue_ros import qos
from segue_ros.lifecycle import run
from segue_ros.waiting import until

from .mischief import DONE, TOLD, How, Mischief

_STEP = 1 << 20  # bytes, when memory is eaten
_SLACK = 1 << 26
_DECODING_S = 0.1  # of a part: without it the whole chunk would overtake it
Parts = Iterator[PredictResult]


class RoguePolicy:
    """Sways; before an inference it does what it is told, and it may give its chunks in parts."""

    def __init__(
        self, inner: SwayPolicy, before: Callable[[], None], part: Callable[[PredictResult], Parts]
    ) -> None:
        self._inner, self._before, self._parts = inner, before, part

    @property
    def info(self) -> PolicyInfo:
        """That of the swaying one, which does not stream."""
        info = self._inner.info
        return replace(info, capabilities=info.capabilities | {"streaming"})

    def reset(self) -> None:
        """The next request starts a new path."""
        self._inner.reset()

    def predict(self, request: PredictRequest) -> PredictResult:
        """The next two seconds of the path, after what is done to inferences."""
        self._before()
        return self._inner.predict(request)

    def stream(self, request: PredictRequest) -> Parts:
        """The chunk, after the parts that come with it."""
        whole = self.predict(request)
        for part in self._parts(whole):
            yield part
            time.sleep(_DECODING_S)
        yield whole


class RogueNode(PolicyNode):
    """Serves `RoguePolicy`, and alters what it answers."""

    def setup(self) -> None:
        """Listen for what to do."""
        self._mischief, self._left, self._done = Mischief(How.LATE), 0, 0
        self._previous: ActionChunk | None = None
        self._repeated = 0
        super().setup()
        self._done_out = self.create_publisher(KeyValue, DONE, qos.LATCHED)
        self.create_subscription(KeyValue, TOLD, self._on_told, qos.LATCHED)

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """Nothing to load."""
        self._space = robot.action_space
        return RoguePolicy(SwayPolicy(Deployment(robot=robot)), self._before, self._parts)

    def _on_told(self, message: KeyValue) -> None:
        self._mischief = Mischief.from_json(message.value)
        self._left, self._done = self._mischief.count, 0

    def _before(self) -> None:
        """On the inference thread."""
        if self._left and self._mischief.how in _AT_INFERENCE - _IN_PARTS:
            self._note()
            self._to_inference(self._mischief.value)

    def _parts(self, whole: PredictResult) -> Parts:
        """On the inference thread."""
        how, value = self._mischief.how, self._mischief.value
        if not self._left or how not in _IN_PARTS:
            return
        self._note()
        third = whole.chunk.horizon // 3
        rows = np.array(whole.chunk.actions)
        first = replace(whole.chunk, actions=rows[:third], complete=False)
        if how is How.PART_OTHER:
            yield PredictResult(replace(first, sequence=first.sequence + 1))
            return
        yield PredictResult(first)
        if how is How.PART_LAST:
            _fail(value)
        more = rows[: 2 * third] + (value if how is How.PART_CHANGED else 0.0)
        more[-1] = np.nan if how is How.PART_NOT_FINITE else more[-1]
        yield PredictResult(replace(first, actions=more))

    def _to_inference(self, value: float) -> None:
        if self._mischief.how is How.HANG:
            end_ns = self._now_ns() + round(1e9 * value)
            while self._now_ns() < end_ns:
                time.sleep(0.01)
        else:
            _TO_INFERENCES[self._mischief.how](value)

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    async def _execute(self, handle: ServerGoalHandle) -> PredictChunk.Result:
        result = await super()._execute(handle)
        how = self._mischief.how
        first = how is not How.FIRST_LATE or handle.request.reset
        if self._left and how not in _AT_INFERENCE and first and not result.error_code:
            if how in (How.LATE, How.FIRST_LATE):
                await self._pause(self._mischief.value)
            elif how is How.PART_AFTER:
                rows, first = result.chunk.horizon // 3, copy(result.chunk)
                first.horizon, first.partial = rows, True
                first.actions = first.actions[: rows * first.dim]
                handle.publish_feedback(PredictChunk.Feedback(partial=first))
            elif how is How.REPEAT:
                self._repeat(self._mischief.value)
                return result
            else:
                result.chunk = self._altered(result.chunk)
            self._note()
        elif not result.error_code:
            self._previous = result.chunk
        return result

    async def _pause(self, seconds: float) -> None:
        end_ns = self._now_ns() + round(1e9 * seconds)
        await until(self, lambda: self._now_ns() >= end_ns, 600.0)

    def _repeat(self, seconds: float) -> None:
        """Send every response of the server again and again; a note when that is over."""
        server, sent = self._server, list[tuple[Any, Any]]()
        send, end_s = server._send_result_response, time.monotonic() + seconds

        def remember(header: Any, future: Any) -> None:
            sent.append((header, future))
            send(header, future)

        def again() -> None:
            self._repeated += len(sent[-1:])
            for header, future in sent[-1:]:
                send(header, future)
            if time.monotonic() > end_s:
                self.destroy_timer(timer)
                server._send_result_response = send
                self.get_logger().info(f"sent {self._repeated} answers again")
                self._note()

        server._send_result_response, self._left = remember, 0
        timer = self.create_timer(1e-3, again, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _note(self) -> None:
        self._left, self._done = max(0, self._left - 1), self._done + 1
        self._done_out.publish(KeyValue(key=self._mischief.how.value, value=str(self._done)))

    def _altered(self, chunk: ActionChunk) -> ActionChunk:
        how, value = self._mischief.how, self._mischief.value
        if how is How.BEFORE:
            assert self._previous is not None, "there was no answer before"
            return self._previous
        if how in _TO_MESSAGES:
            _TO_MESSAGES[how](chunk, value)
            return chunk
        rows = np.array(chunk.actions, dtype=np.float32).reshape(chunk.horizon, chunk.dim)
        changed = self._changed(rows, how, value)
        chunk.horizon, chunk.dim = changed.shape
        chunk.actions = changed.astype(np.float32).ravel().tolist()
        return chunk

    def _changed(self, rows: NDArray[np.float32], how: How, value: float) -> NDArray[Any]:
        if how is How.HORIZON:
            return np.resize(rows, (int(value), rows.shape[1]))
        if how is How.WIDTH:
            return np.hstack([rows, np.zeros((len(rows), int(value)))])
        if how is How.BEYOND:
            return np.where(self._moves(), self._space.high + value, rows)
        if how is How.TELEPORT:
            metres = self._metres()
            return rows + value * metres + 2.0 * value * (self._moves() & ~metres)
        rows.flat[7 * self._done - 1] = value
        return rows

    def _moves(self) -> NDArray[np.bool_]:
        """Which numbers of an action are positions or joints, (D,)."""
        return self._are(ChannelKind.POSITION, ChannelKind.JOINT)

    def _metres(self) -> NDArray[np.bool_]:
        return self._are(ChannelKind.POSITION)

    def _are(self, *kinds: ChannelKind) -> NDArray[np.bool_]:
        return np.concatenate([np.full(c.size, c.kind in kinds) for c in self._space.channels])


def _setter(name: str, change: Callable[[Any, float], Any]) -> Callable[[ActionChunk, float], None]:
    return lambda chunk, value: setattr(chunk, name, change(getattr(chunk, name), value))


_TO_MESSAGES: dict[How, Callable[[ActionChunk, float], None]] = {
    How.SIZE: _setter("horizon", lambda old, _: old + 1),
    How.START: _setter("start_tick", lambda old, value: old + int(value)),
    How.FINGERPRINT: _setter("action_space_fingerprint", lambda old, _: old[::-1]),
    How.SPACE: _setter("action_space", lambda old, _: f"{old}_of_another_robot"),
    How.RATE: _setter("rate_hz", lambda _, value: value),
    How.SOURCE: _setter("source", lambda old, _: f"another_{old}"),
}


def _fail(_: float) -> None:
    raise RuntimeError("the rogue fails")


def _without_memory(size: float) -> None:
    """Ask for more than this process may have."""
    used = 4096 * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + _SLACK, before[1]))
    try:
        np.ones(int(size), dtype=np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _eat(_: float) -> None:
    """Take memory, and use it, until somebody ends this process."""
    eaten = []
    while True:
        eaten.append(np.ones(_STEP, dtype=np.uint8))


_TO_INFERENCES: dict[How, Callable[[float], None]] = {
    How.FAIL: _fail,
    How.MEMORY: _without_memory,
    How.EAT: _eat,
}
_IN_PARTS = frozenset({How.PART_NOT_FINITE, How.PART_CHANGED, How.PART_OTHER, How.PART_LAST})
_AT_INFERENCE = frozenset({How.HANG, *_TO_INFERENCES, *_IN_PARTS})


if __name__ == "__main__":
    sys.exit(run(RogueNode))
