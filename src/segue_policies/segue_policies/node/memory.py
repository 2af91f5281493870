"""The memory of a policy in the graph: observations and executed commands, in order, onto the inference thread."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future

from segue_core import wire
from segue_core.errors import ErrorCode, PolicyError, SegueError
from segue_core.history import History
from segue_core.memory import Glimpse, MemoryFeed
from segue_core.policy import Policy, remember
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import RobotCommand
from segue_ros import conversions, qos
from segue_ros.waiting import within

_SURE_TICKS = 2
"""A command that is so old shows that no request for its tick is still on its way: what was seen then can be told."""


class Memory:
    """Tells a policy with memory what was seen and done as it comes, and before each request what is missing yet.

    A policy without memory is told nothing, and nothing is listened to. While a person has the robot its commands are
    told like the run's own, and the memory goes on when the run does.

    Args:
        do: runs something on the inference thread, after everything that was given to it before.
    """

    def __init__(self, node: LifecycleNode, policy: Policy, do: Callable[[Callable[[], None]], None]) -> None:
        info = policy.info
        self._node, self._policy, self._do = node, policy, do
        self._space, self._keeps = info.action_space, info.observe_every > 0
        self._feed: MemoryFeed[ObservationMsg] = MemoryFeed(info.observe_every, info.action_space.dim)
        self._newest, self._run_id = -1, ""
        self._awaited: tuple[int, Future[None]] | None = None
        if self._keeps:
            node.create_subscription(RobotCommand, "segue/command", self._on_command, qos.ANSWERS)

    @property
    def goes_on(self) -> bool:
        """Whether the memory knows what happened while a person had the robot."""
        return self._keeps and self._feed.begun

    def begin(self, tick: int, seen: History[ObservationMsg], run_id: str) -> None:
        """The policy was reset by a request for `tick` of a run."""
        self._run_id = run_id
        self._feed.begin(tick)
        for at, message in seen.since(tick):
            self._feed.saw(at, message)

    def saw(self, message: ObservationMsg) -> None:
        """An observation came."""
        self._feed.saw(int(message.tick), message)
        self._tell(self._newest - _SURE_TICKS)

    async def up_to(self, tick: int, timeout_s: float) -> None:
        """Tell everything up to `tick`, waiting for the command of that tick, which is sent before its request.

        Raises:
            PolicyError: POLICY_OBSERVATION_MISSING, no such command comes, or the policy was told of later ticks.
        """
        if not self._keeps:
            return
        if self._newest < tick:
            self._awaited = (tick, Future())
            came = await within(self._node, self._awaited[1], timeout_s)
            self._awaited = None
            if not came:
                text = f"a policy with memory hears no command on segue/command for tick {tick}"
                raise PolicyError(ErrorCode.POLICY_OBSERVATION_MISSING, text, got=f"tick {self._newest}")
        self._feed.check(tick)
        self._tell(tick)

    def _on_command(self, message: RobotCommand) -> None:
        try:
            command = wire.command_of(message, self._space)
        except SegueError as error:
            self._node.get_logger().warning(f"command not remembered: {error}", throttle_duration_sec=1.0)
            return
        foreign = bool(self._run_id) and command.run_id != self._run_id
        self._feed.did(command.tick, command.action, foreign)
        self._newest = command.tick
        if self._awaited and command.tick >= self._awaited[0] and not self._awaited[1].done():
            self._awaited[1].set_result(None)
        self._tell(self._newest - _SURE_TICKS)

    def _tell(self, tick: int) -> None:
        for glimpse in self._feed.until(tick):
            self._do(_told(self._policy, glimpse))


def _told(policy: Policy, glimpse: Glimpse[ObservationMsg]) -> Callable[[], None]:
    def tell() -> None:
        seen = conversions.observation_from_msg(glimpse.seen)
        remember(policy, seen, glimpse.executed, glimpse.corrected)

    return tell
