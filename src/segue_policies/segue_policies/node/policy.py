"""The node of every policy: keeps observations, answers PredictChunk for the tick asked, or fails with a code."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from pydantic import Field
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.task import Future

from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_file, load_robot
from segue_core.contracts.plain import Options
from segue_core.contracts.robot import RobotConfig
from segue_core.contracts.task import TaskConfig
from segue_core.errors import ConfigError, ErrorCode, PolicyError, SegueError
from segue_core.history import History
from segue_core.policy import Policy, PredictResult
from segue_interfaces.action import PredictChunk
from segue_interfaces.msg import ActionChunk as ActionChunkMsg
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg
from segue_policies.answering import decode, errors_of
from segue_policies.deployment import Deployment, expected_by
from segue_policies.method import Method, find_method, policy_names
from segue_policies.node.imagination import Imagination
from segue_policies.node.memory import Memory
from segue_policies.node.worker import Worker
from segue_policies.node.world import world_of
from segue_policies.policy_loading import make_policy, method_in, warm_up
from segue_policies.runtime import Dtype, Runtime
from segue_ros import conversions, parameters, qos, ticks
from segue_ros.conversions import info_to_msg
from segue_ros.lifecycle import LifecycleComponent, run
from segue_ros.waiting import within

_KEPT = 16  # observations; half a second at 30 Hz


class PolicyParameters(StrictModel):
    """Parameters of a policy node."""

    robot_file: str = Field(description="path of the robot's YAML file")
    method: str = Field(
        default="", description="method of the policy, by name; empty: that of the checkpoint"
    )
    checkpoint: str = Field(
        default="", description="folder of the trained weights, for methods that have some"
    )
    task_file: str = Field(default="", description="path of the task's YAML file, for policies that read it")
    observation_timeout_s: float = Field(
        default=0.5, gt=0, le=10, description="patience with an observation [s]"
    )
    device: str = Field(
        default="auto", description="auto, cpu, cuda or cuda:N; auto takes CUDA if it is there"
    )
    policy_options: Options = Field(
        default={}, description="how the policy answers, as YAML; each method names its own"
    )
    dtype: Dtype = Field(
        default="float32", description="of convolutions and matrices: float32, bfloat16 or float16"
    )
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads of one inference")


@runtime_checkable
class Closing(Protocol):
    """A policy that holds on to something, such as a process."""

    def close(self) -> None:
        """Let go of it."""


class PolicyNode(LifecycleComponent):
    """Configuring loads, checks and warms up the policy, so that an active node answers at full speed."""

    looks = True
    """Whether the policy looks at observations; a privileged one does not, and is spared the pictures."""

    def __init__(self) -> None:
        super().__init__("policy")

    def load(self, given: PolicyParameters, robot: RobotConfig) -> Policy:
        """The policy to serve; raises SegueError when it does not fit the robot or cannot be read."""
        method = _method(given)
        self.looks = not method.privileged
        deployment = Deployment(
            checkpoint=Path(given.checkpoint) if given.checkpoint else None,
            expected=expected_by(robot),
            runtime=Runtime(given.device, given.dtype, given.threads),
            robot=robot,
            task=load_file(given.task_file, TaskConfig, "task") if given.task_file else None,
            options=given.policy_options,
            world=world_of(self, robot, given.observation_timeout_s) if method.privileged else None,
        )
        return make_policy(method, deployment)

    def prepare(self) -> None:
        """Import the method, and torch with most."""
        _method(parameters.declare(self, PolicyParameters)).resolve("policy")

    def setup(self) -> None:
        """Load the policy and offer it."""
        given = parameters.declare(self, PolicyParameters)
        self._timeout_s = given.observation_timeout_s
        self._policy = self.load(given, load_robot(given.robot_file))
        warm_up(self._policy, given.checkpoint)
        self._seen: History[ObservationMsg] = History(self._policy.info.history, _KEPT)
        self._awaited: tuple[int, Future[ObservationMsg]] | None = None
        self._worker = Worker(self)
        self._run_id = ""
        self._answering = self._must_forget = False
        self._trouble: SegueError | None = None  # of what nobody waits for, on the inference thread
        self._memory = Memory(self, self._policy, self._do)
        self._imagination = Imagination(self, self._policy, self._do)
        if self.looks:
            self.create_subscription(
                ObservationMsg, "segue/observation", self._on_observation, qos.OBSERVATION
            )
        watched = qos.alive(qos.PULSE_S)  # by the scheduler
        self._info_out = self.create_publisher(PolicyInfoMsg, "segue/policy_info", watched)
        self._serving = False
        self._server = ActionServer(
            self,
            PredictChunk,
            "segue/predict_chunk",
            self._execute,
            cancel_callback=self._on_cancel,
        )

    def start(self) -> None:
        """Say what the policy can do and answer requests."""
        self._serving = True
        info = self._policy.info
        self._info_out.publish(info_to_msg(info, info.name, self.get_clock().now().to_msg()))

    def stop(self) -> None:
        """Refuse requests."""
        self._serving = False

    def teardown(self) -> None:
        """Let go of the server, the thread, and what the policy holds on to."""
        self._server.destroy()
        self._worker.close()
        if isinstance(self._policy, Closing):
            self._policy.close()

    def _on_observation(self, message: ObservationMsg) -> None:
        try:  # one of the far future would make every real one look old
            conversions.check_observation(message, self._policy.info.action_space, self._shared_ns())
        except SegueError as error:
            self.get_logger().warning(f"observation dropped: {error}", throttle_duration_sec=1.0)
            return
        self._seen.add(int(message.tick), message)
        if self._awaited and self._awaited[0] == message.tick and not self._awaited[1].done():
            self._awaited[1].set_result(message)
        self._memory.saw(message)
        self._imagination.saw(int(message.tick), message.header.stamp)

    def _shared_ns(self) -> int:
        """Now, where one clock is told to everybody [ns]; 0 elsewhere: the robot's machine may have another time."""
        told = bool(self.get_parameter("use_sim_time").value)
        return int(self.get_clock().now().nanoseconds) if told else 0

    async def _execute(self, handle: ServerGoalHandle) -> PredictChunk.Result:
        try:
            result = await self._answer(handle)
        except SegueError as error:
            self._end_without(handle, error)
            return PredictChunk.Result(error_code=int(error.code), error_text=str(error))
        self._imagination.answered()
        handle.succeed()
        return PredictChunk.Result(chunk=self._chunk(result))

    def _on_cancel(self, _: ServerGoalHandle) -> CancelResponse:
        """A stream stops after the part that is being decoded; a single inference cannot be interrupted."""
        streams = "streaming" in self._policy.info.capabilities
        return CancelResponse.ACCEPT if streams else CancelResponse.REJECT

    def _end_without(self, handle: ServerGoalHandle, error: SegueError) -> None:
        goal = handle.request
        if error.code is ErrorCode.POLICY_CANCELLED:
            self.get_logger().info(f"request {goal.sequence} for tick {goal.start_tick}: {error.text}")
            handle.canceled()
            return
        self.get_logger().error(f"request {goal.sequence} for tick {goal.start_tick}: {error}")
        handle.abort()

    def _chunk(self, result: PredictResult) -> ActionChunkMsg:
        space, stamp = self._policy.info.action_space, self.get_clock().now().to_msg()
        return conversions.chunk_to_msg(result.chunk, space, stamp, result.inference_s)

    async def _answer(self, handle: ServerGoalHandle) -> PredictResult:
        goal = handle.request
        if not self._serving:
            raise PolicyError(ErrorCode.POLICY_NOT_READY, "the policy node is not active")
        conversions.check_goal(goal)
        rate_hz, now_ns = self._policy.info.rate_hz, self._shared_ns()
        if goal.start_tick < 0 or ticks.is_ahead(int(goal.start_tick), now_ns, rate_hz):
            expected = f"0 to a second after tick {ticks.tick_of(now_ns, rate_hz)}, which it is now"
            raise PolicyError(
                ErrorCode.POLICY_BAD_REQUEST, "start tick", got=goal.start_tick, expected=expected
            )
        self._must_forget = self._must_forget or self._forgets(goal)  # also when this very request is refused
        if self._answering:
            waits = f", it waits for the observation of tick {self._awaited[0]}" if self._awaited else ""
            raise PolicyError(ErrorCode.POLICY_BUSY, f"another request is being answered{waits}")
        self._answering = True
        try:
            self._open(goal)
            messages = await self._observations(int(goal.start_tick))
            await self._memory.up_to(int(goal.start_tick), self._timeout_s)
            result: Any = await self._worker.submit(lambda: self._predict(handle, messages))
        finally:
            self._answering = False
        return cast(PredictResult, result)

    def _forgets(self, goal: PredictChunk.Goal) -> bool:
        """Whether a request ends what the policy knows: not after a takeover that its memory was told of."""
        same = bool(goal.run_id) and goal.run_id == self._run_id
        return bool(goal.reset) and not (same and self._memory.goes_on and self._trouble is None)

    def _open(self, goal: PredictChunk.Goal) -> None:
        """What begins with a request: a task, whose first observation is kept, or a plan after a person's."""
        if goal.run_id != self._run_id or (goal.reset and not goal.run_id):
            self._run_id, self._must_forget = goal.run_id, True
            self._seen.begin()
        if goal.reset:
            self._imagination.forget()
        if self._must_forget:
            self._must_forget = False
            self._do(self._reset)
            self._memory.begin(int(goal.start_tick), self._seen, self._run_id)

    def _do(self, act: Callable[[], None]) -> None:
        """Have something done on the inference thread; if it fails, requests do until the next reset."""

        def attempt() -> None:
            try:
                with errors_of(self._policy):
                    act()
            except SegueError as error:
                self._trouble = self._trouble or error

        self._worker.submit(attempt)

    def _reset(self) -> None:
        self._trouble = None
        self._policy.reset()

    async def _observations(self, tick: int) -> list[ObservationMsg]:
        """What a request for `tick` is shown, waiting for the newest; zeros for a policy that does not look."""
        if not self.looks:
            blank = ObservationMsg(tick=tick, state=np.zeros(self._policy.info.action_space.dim))
            return [blank] * len(self._policy.info.history)
        await self._arrival(tick)
        return self._seen.shown(tick)

    async def _arrival(self, tick: int) -> None:
        """Wait until the observation of `tick` is there, or cannot come any more."""
        if self._seen.get(tick) is None and not self._seen.passed(tick):
            self._awaited = (tick, Future())
            try:
                await within(self, self._awaited[1], self._timeout_s)
            finally:
                self._awaited = None

    def _predict(self, handle: ServerGoalHandle, messages: list[ObservationMsg]) -> PredictResult:
        """On the inference thread; the parts of a stream are published as they come."""
        seen = {int(message.tick): conversions.observation_from_msg(message) for message in messages}
        shown = [seen[int(message.tick)] for message in messages]
        request = conversions.request_from_goal(handle.request, shown)
        if self._trouble:
            raise self._trouble

        def tell(part: PredictResult) -> None:
            feedback = PredictChunk.Feedback(partial=self._chunk(part))
            self._worker.tell(lambda: handle.publish_feedback(feedback))

        result = decode(self._policy, request, tell, lambda: handle.is_cancel_requested)
        for note in result.notes:
            self.get_logger().warning(note, throttle_duration_sec=1.0)
        return result


def _method(given: PolicyParameters) -> Method:
    if given.method:
        return find_method(given.method)
    if not given.checkpoint:
        text, allowed = "a policy node needs the parameter method, or a checkpoint", policy_names()
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, allowed=allowed)
    return method_in(Path(given.checkpoint))


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run(PolicyNode))
