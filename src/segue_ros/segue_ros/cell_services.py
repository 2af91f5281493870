"""The robot cell around a run or a demonstration: reset the world, arm the robot, record. Services of other nodes."""

import time
from typing import Any

from rclpy.client import Client
from rclpy.node import Node

from segue_core.errors import ErrorCode, SegueError
from segue_interfaces.srv import Arm, ResetWorld, StartRecording, StopRecording
from segue_ros.sole_sender import call_once_alone
from segue_ros.waiting import call, until

_JOINTS_S = 15.0  # patience with a controller that has no joint states yet, or that nobody hears yet
_RECORDING_S = (
    20.0  # with a recorder that nobody has found yet, or that has found no clock: a busy machine takes long
)
_AGAIN_S = 0.2


class Cell:
    """Clients of the services that a run needs, in the order that it needs them.

    Args:
        reset_service: service that puts the world to its start; empty where people do that.
    """

    def __init__(self, node: Node, reset_service: str) -> None:
        self._node = node
        self._arm: Client[Any, Any] = node.create_client(Arm, "segue/arm")
        self._reset: Client[Any, Any] | None = None
        if reset_service:
            self._reset = node.create_client(ResetWorld, reset_service)
        self._start_recording: Client[Any, Any] = node.create_client(StartRecording, "segue/record/start")
        self._stop_recording: Client[Any, Any] = node.create_client(StopRecording, "segue/record/stop")
        self.bag_path = ""
        self.doubts = ""
        self._maybe_open = False  # a start was asked for, and never answered

    async def reset(self, seed: int) -> None:
        """Take the permission to move away, then put the world to the start of episode `seed`.

        Raises:
            SegueError: a service is missing, silent or refuses.
        """
        await self.arm(False)
        if self._reset:
            await call(self._node, self._reset, ResetWorld.Request(seed=seed), timeout_s=10.0)

    async def arm(self, arm: bool) -> None:
        """Allow motion from the measured pose, or stop and forbid it. Raises SegueError as `reset`.

        A controller that has not heard the joints yet, as when everything has just started, is asked again for a while.
        """
        end_s = time.monotonic() + _JOINTS_S
        while True:
            try:
                response = await call_once_alone(self._node, self._arm, Arm.Request(arm=arm))
            except SegueError as error:
                if error.code is not ErrorCode.CONTROL_STATE_STALE or time.monotonic() > end_s:
                    raise
                await until(self._node, lambda: False, _AGAIN_S)
                continue
            if not response.success:
                text = f"{self._arm.service_name} refused: {response.error_text}"
                raise SegueError(ErrorCode.CONTROL_NOT_ARMED, text)
            return

    async def start_recording(self, episode: str, task: str, seed: int) -> str:
        """Begin a bag; an empty text, or why there is none. A run goes on without a recording.

        A recorder that has not heard of the simulated clock yet, as when everything has just started, is asked again.
        """
        self.bag_path, self._maybe_open = "", False
        request = StartRecording.Request(episode=episode, task=task, seed=seed)
        end_s = time.monotonic() + _RECORDING_S
        while True:
            try:
                answer = await call(self._node, self._start_recording, request, timeout_s=_RECORDING_S)
            except SegueError as error:
                self._maybe_open = error.code is ErrorCode.PROCESS_FAILED
                if error.code is not ErrorCode.DATA_NOT_RECORDING or time.monotonic() > end_s:
                    return f"not recorded: {error}"
                await until(self._node, lambda: False, _AGAIN_S)
            else:
                self.bag_path = str(answer.path)
                return ""

    async def stop_recording(self, success: bool, outcome: str, *, discard: bool = False) -> str:
        """Close the bag (or delete it), if one may be open; an empty text, or what went wrong.

        `doubts` then says what the recorder found wrong with the episode, and `bag_path` is empty if it is gone.
        """
        self.doubts = ""
        if not (self.bag_path or self._maybe_open):
            return ""
        self._maybe_open = False
        request = StopRecording.Request(task_success=success, outcome=outcome, discard=discard)
        try:
            response = await call(self._node, self._stop_recording, request, timeout_s=20.0)
        except SegueError as error:
            return f"recording not whole: {error}"
        self.doubts, self.bag_path = str(response.error_text), str(response.path)
        return ""
