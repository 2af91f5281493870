"""The node of a progress estimator: it looks on while any policy works, and says how much of the task is done."""

import sys
import time
from collections import deque
from pathlib import Path
from statistics import median

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.files import load_robot
from segue_core.contracts.robot import RobotConfig
from segue_core.errors import SegueError
from segue_core.observation import Observation
from segue_core.progress.estimator import ProgressEstimator, period_ticks
from segue_core.progress.instructions import KNOWN, familiarity
from segue_interfaces.msg import Observation as ObservationMsg
from segue_interfaces.msg import Progress
from segue_policies.estimator_loading import fitted, make_estimator
from segue_policies.node.worker import Worker
from segue_policies.runtime import Dtype, Runtime
from segue_ros import conversions, parameters, qos, ticks
from segue_ros.lifecycle import LifecycleComponent, run

_REMEMBERED = 50  # estimates whose time is told


class EstimatorParameters(StrictModel):
    """Parameters of the node of a progress estimator."""

    robot_file: str = Field(description="path of the robot's YAML file")
    checkpoint: str = Field(min_length=1, description="folder of the trained estimator")
    device: str = Field(
        default="auto", description="auto, cpu, cuda or cuda:N; auto takes CUDA if it is there"
    )
    dtype: Dtype = Field(
        default="float32", description="of convolutions and matrices: float32, bfloat16 or float16"
    )
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads of one estimate")


class EstimatorNode(LifecycleComponent):
    """Begins with each run that the scheduler tells of; looks five times a second, or less if late."""

    rest_s = 0.005

    def __init__(self) -> None:
        super().__init__("progress")

    def load(self, given: EstimatorParameters, robot: RobotConfig) -> ProgressEstimator:
        """The estimator; raises SegueError when it cannot be read or does not fit the robot."""
        runtime = Runtime(given.device, given.dtype, given.threads)
        return make_estimator(Path(given.checkpoint), runtime, tuple(robot.cameras))

    def setup(self) -> None:
        """Load the estimator and warm it up."""
        given = parameters.declare(self, EstimatorParameters)
        robot = load_robot(given.robot_file)
        self._estimator = self.load(given, robot)
        self._space, self._period = robot.action_space, period_ticks(robot.tick_rate_hz)
        info = self._estimator.info
        blank = np.zeros((*info.image_size[::-1], 3), dtype=np.uint8)
        state = np.zeros(self._space.dim, dtype=np.float32)
        self._estimator.estimate(Observation(0, state, dict.fromkeys(info.cameras, blank)))
        self._worker = Worker(self)
        self._forget("", 0.0)
        self._estimates_out = self.create_lifecycle_publisher(Progress, "segue/progress_estimate", qos.STATE)
        self._diagnostics_out = self.create_lifecycle_publisher(DiagnosticArray, "diagnostics", qos.STATE)
        self.create_subscription(KeyValue, "segue/instruction", self._on_task, qos.LATCHED)
        self.create_subscription(ObservationMsg, "segue/observation", self._on_observation, qos.OBSERVATION)

    def start(self) -> None:
        """Begin to look."""
        self._timer = self.create_timer(1.0, self._diagnose)

    def stop(self) -> None:
        """Look no more."""
        self.destroy_timer(self._timer)
        self._forget("", 0.0)

    def teardown(self) -> None:
        """Let go of the thread."""
        self._worker.close()

    def _forget(self, run_id: str, known: float) -> None:
        self._run_id, self._known = run_id, known
        self._due: int | None = None
        self._working, self._trouble, self._last = False, "", -1.0
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)

    def _on_task(self, message: KeyValue) -> None:
        """A run begins, or, with an empty name, none is there any more."""
        if message.key == self._run_id:
            return
        info, told = self._estimator.info, str(message.value)
        self._forget(str(message.key), familiarity(told, info.instructions) if message.key else 0.0)
        if not message.key:
            return
        if self._known < KNOWN:
            text = f"instruction {told!r} is not of the training (confidence {self._known:.2f})"
            self.get_logger().warning(f"{text}: no progress is estimated, and the other rules end the task")
            return
        if self._known < 1.0:
            self.get_logger().warning(f"instruction {told!r} was never seen: confidence {self._known:.2f}")
        self._worker.submit(lambda: self._estimator.begin(told))

    def _on_observation(self, message: ObservationMsg) -> None:
        tick = int(message.tick)
        if not self.is_active or self._known < KNOWN or self._working or tick < (self._due or 0):
            return
        try:
            conversions.check_observation(message, self._space, self._shared_ns())
            seen = fitted(conversions.observation_from_msg(message), self._estimator.info)
        except SegueError as error:
            self._tell_trouble(str(error))
            return
        late = self._due is None or tick >= self._due + self._period
        self._due = (tick if late else self._due or 0) + self._period
        self._working, run_id = True, self._run_id
        self._worker.submit(lambda: self._estimate(seen, run_id))

    def _shared_ns(self) -> int:
        told = bool(self.get_parameter("use_sim_time").value)
        return int(self.get_clock().now().nanoseconds) if told else 0

    def _estimate(self, seen: Observation, run_id: str) -> None:
        """On the inference thread."""
        began, trouble, progress = time.perf_counter(), "", -1.0
        try:
            progress = self._estimator.estimate(seen)
        except SegueError as error:
            trouble = str(error)
        took_s = time.perf_counter() - began
        self._worker.tell(lambda: self._say(run_id, seen.tick, progress, took_s, trouble))

    def _say(self, run_id: str, tick: int, progress: float, took_s: float, trouble: str) -> None:
        if run_id != self._run_id:
            return  # of a run that is over
        self._working = False
        if trouble:
            self._tell_trouble(trouble)
            return
        self._trouble, self._last = "", progress
        self._took_s.append(took_s)
        fields = {"tick": tick, "source": self._estimator.info.name, "progress": progress, "done": False}
        stamp = ticks.stamp_of(tick, self._space.rate_hz)
        self._estimates_out.publish(conversions.build(Progress, stamp, fields))

    def _tell_trouble(self, text: str) -> None:
        self._trouble = text
        self.get_logger().warning(f"no estimate: {text}", throttle_duration_sec=1.0)

    def _diagnose(self) -> None:
        status = DiagnosticStatus(name="progress: estimator", hardware_id="segue")
        silent = bool(self._run_id) and self._known < KNOWN
        status.level = DiagnosticStatus.WARN if silent or self._trouble else DiagnosticStatus.OK
        said = f"progress {self._last:.2f}" if self._last >= 0 else "looking on" if self._run_id else "idle"
        status.message = self._trouble or ("silent: the instruction is not known" if silent else said)
        took_ms = 1e3 * median(self._took_s) if self._took_s else 0.0
        values = {"confidence": f"{self._known:.2f}", "estimate_ms": f"{took_ms:.1f}", "run_id": self._run_id}
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics_out.publish(message)


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    sys.exit(run(EstimatorNode))
