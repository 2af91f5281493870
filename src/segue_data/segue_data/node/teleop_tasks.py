"""What a person's requests set in motion: take and give back the robot, begin and end episodes, one at a time."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from segue_core.errors import ErrorCode, SegueError
from segue_data.node.teleop_base import TeleopBase
from segue_data.teleop.config import Action
from segue_data.teleop.episodes import SessionStage
from segue_interfaces.srv import EmergencyStop, Recover
from segue_ros.waiting import call, insist, until

_PAUSED = ("", "idle", "finished", "paused")  # phases of a scheduler that commands nothing
_HANDOVER_S = 0.5
_SETTLE_TICKS = 5  # after a reset, joint states may still show the world before it
_LEAD_TICKS = 5  # recorded before the first command, so that it has its pictures and joint states
_PATIENCE_S = 10.0


class Tasks:
    """Requests that come while another is being fulfilled are refused, except to stop."""

    def __init__(self, node: TeleopBase, task: str, *, collect: bool) -> None:
        self._node, self._task, self._collect = node, task, collect
        self.busy = False
        self._stop: Any = node.create_client(EmergencyStop, "segue/emergency_stop")
        self._recover: Any = node.create_client(Recover, "segue/recover")
        self.note = ""

    def request(self, request: Action) -> None:
        """Do what is asked, or say why not."""
        if request == "stop":
            insist(
                self._node, self._stop, EmergencyStop.Request(reason="stopped by the person at the controls")
            )
            self._node.driver.let_go()
            self._tell("stopped; `recover`, then start or take again")
        elif self.busy:
            self._tell(f"{request}: wait, the one before is not done")
        elif request in ("take", "give", "recover"):
            self._begin({"take": self._take, "give": self._give, "recover": self._clear}[request]())
        elif not self._collect:
            self._tell(f"{request}: episodes are not recorded from here; take and give work")
        elif not self._node.episodes.allows(request):
            self._tell(f"{request}: not while {self._node.episodes.stage}")
        elif request == "start":
            self._begin(self._start())
        else:
            self._begin(self._end(request))

    def lost(self, why: str) -> None:
        """The device or the robot is not heard of any more."""
        self._tell(f"lost: {why}")
        if self._node.episodes.stage is SessionStage.RECORDING and not self.busy:
            self._begin(self._end("aborted"))

    def _tell(self, text: str) -> None:
        self.note = text
        if text:
            self._node.get_logger().info(text)
        self._node.say()

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.busy = True
        self.note = ""
        executor = self._node.executor
        assert executor is not None
        executor.create_task(self._guarded, coroutine)

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except SegueError as error:
            self._node.driver.let_go()
            self._node.announce("policy")
            if self._node.episodes.stage in (SessionStage.STARTING, SessionStage.CLOSING):
                self._node.episodes.stage = SessionStage.READY
                self._node.episodes.look()  # the recorder may have died, and repaired what it left
            self._tell(str(error))
        finally:
            self.busy = False
            self._node.say()

    async def _take(self) -> None:
        """Pause the scheduler, arm anew from the measured pose, command from the next tick on."""
        node = self._node
        if node.driver.commanding:
            return
        if reason := node.driver.ready(time.monotonic()):
            raise SegueError(ErrorCode.STATE_MISSING, f"cannot take the robot: {reason}")
        node.announce("human")
        if not await until(node, self._scheduler_rests, _HANDOVER_S):
            text = f"the scheduler does not pause (phase {node.scheduler_phase!r})"
            raise SegueError(ErrorCode.CONTROL_FOREIGN_COMMAND, text)
        await node.cell.arm(True)
        node.take()
        self._tell("")

    def _scheduler_rests(self) -> bool:
        node = self._node
        silent = time.monotonic() - node.scheduler_s > _HANDOVER_S
        return silent or node.scheduler_phase in _PAUSED

    async def _give(self) -> None:
        """Free the robot for the scheduler, which starts anew from where the robot is."""
        node = self._node
        if not node.driver.commanding:
            return
        node.driver.let_go()
        await node.cell.arm(True)
        node.announce("policy")
        self._tell("")

    async def _clear(self) -> None:
        """Clear what is latched; the robot stays disarmed."""
        await call(self._node, self._recover, Recover.Request())
        self._tell("recovered; the robot is disarmed")

    async def _start(self) -> None:
        node, episodes = self._node, self._node.episodes
        episodes.stage = SessionStage.STARTING
        node.say()
        await node.cell.reset(episodes.seed)
        await self._pass(_SETTLE_TICKS)
        if reason := await node.cell.start_recording(episodes.name, self._task, episodes.seed):
            raise SegueError(ErrorCode.DATA_NOT_RECORDING, reason)
        await self._pass(_LEAD_TICKS)
        try:
            await self._take()
        except SegueError:
            await node.cell.stop_recording(False, "aborted", discard=True)
            raise
        episodes.stage = SessionStage.RECORDING
        self._tell("")

    async def _pass(self, ticks: int) -> None:
        """Let some ticks of the run's clock pass."""
        start = self._node.now_tick
        if not await until(self._node, lambda: self._node.now_tick >= start + ticks, _PATIENCE_S):
            raise SegueError(ErrorCode.STATE_MISSING, f"the run's clock stands still (tick {start})")

    async def _end(self, request: str) -> None:
        node, episodes = self._node, self._node.episodes
        episodes.stage = SessionStage.CLOSING
        node.say()
        await self._rest()  # before the commands end, or the guard would take their end for a fault
        node.driver.let_go()
        node.announce("policy")
        discard = request in ("discard", "again")
        reason = await node.cell.stop_recording(request == "success", request, discard=discard)
        if reason:
            raise SegueError(ErrorCode.DATA_NOT_RECORDING, reason)
        kept = bool(node.cell.bag_path)
        doubts = node.cell.doubts
        node.cell.bag_path = ""
        episodes.closed(kept=kept, success=request == "success", doubts=doubts)
        if doubts:
            self._tell(f"{'flagged' if kept else 'refused'}: {doubts}")
        if node.driver.playback:
            episodes.stage = SessionStage.DONE
        if request == "again":
            await self._start()

    async def _rest(self) -> None:
        """Disarm; a guard that has latched already is at rest, too."""
        try:
            await self._node.cell.arm(False)
        except SegueError as error:
            self._tell(str(error))
