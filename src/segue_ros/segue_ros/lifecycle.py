"""The base of all lifecycle nodes, and the function that runs one as a process.

A component overrides up to five methods; the base adds autostart, error texts, exit status and a clean end on
SIGINT and SIGTERM while the node can still publish (rclpy's own handler would take the context away first). What is
under way then, such as a goal, is brought to its end: whoever waits for it gets a result.

    looks around, imports -- nobody has its name --> setup -- it hears the (simulated) time --> start
"""

import inspect
import signal
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.signals import SignalHandlerOptions

from segue_core.errors import SegueError
from segue_ros.executor import NodeExecutor
from segue_ros.namesakes import Namesakes
from segue_ros.sim_time import FirstTime, OneClock, keep_clock

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_FAMILY = 10  # plus the hundreds of the error code: 13 is a control error, 16 a configuration error

_LOOK_S = 0.1  # how often a node that begins looks whether it may
_POLL_S = 0.1  # how long a signal can go unnoticed on an idle node
_FINISH_S = 2.5  # for what is under way when a node ends; less than until whoever ended it kills it
_STEPS = {"unconfigured": (), "inactive": ("cleanup",), "active": ("deactivate", "cleanup")}


class LifecycleComponent(LifecycleNode):
    """A managed node. Override `setup`, `start`, `stop`, `teardown`; raise SegueError to refuse a transition.

    Parameter `autostart` (default true): configure as soon as the node spins and nobody else has its name, and activate
    when it hears the time. The lifecycle services work all the same. One thread: callbacks never run at the same time.

    Attributes:
        one_clock: whose simulated time the node follows.
        rest_s: pause before every wait for messages [s]; above 0 for a node that nobody waits for.
    """

    rest_s = 0.0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.one_clock = OneClock(self)
        keep_clock(self)
        self.failure: BaseException | None = None
        self._destroyed = self._prepared = self._configured = self._activated = False
        self._refusal: BaseException = RuntimeError(f"node {name}: a lifecycle transition was refused")
        self._namesakes, self._time_heard = Namesakes(self), FirstTime(self, self.one_clock)
        self.declare_parameter("autostart", True, ParameterDescriptor(read_only=True))
        if self.get_parameter("autostart").value:
            self._begin = self.create_timer(
                _LOOK_S, self._autostart, clock=Clock(clock_type=ClockType.STEADY_TIME)
            )

    def prepare(self) -> None:
        """What takes long and needs nobody, such as imports; `setup` must do without.

        Done once, in the time in which an autostarted node looks around.
        """

    def setup(self) -> None:
        """Configure: read parameters, load models, create publishers, services and subscriptions."""

    def start(self) -> None:
        """Activate: from here on the node may publish; create timers here."""

    def stop(self) -> None:
        """Deactivate: undo `start`; publishers still work."""

    def teardown(self) -> None:
        """Clean up: undo `setup`."""

    @property
    def is_active(self) -> bool:
        """Whether the node is in its state `active`."""
        return bool(self._state_machine.current_state[1] == "active")

    def fail(self, error: BaseException) -> None:
        """Ends the process with the exit status of `error`, after a clean stop."""
        self.failure = self.failure or error

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Runs `setup`."""
        return self._guarded(self.setup, lambda: super(LifecycleComponent, self).on_configure(state))

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enables the publishers, then runs `start`."""
        result = super().on_activate(state)
        return self._guarded(self._start_alone, lambda: result)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Runs `stop`, then disables the publishers."""
        self._namesakes.active(False)
        return self._guarded(self.stop, lambda: super(LifecycleComponent, self).on_deactivate(state))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Runs `teardown`."""
        return self._guarded(self.teardown, lambda: super(LifecycleComponent, self).on_cleanup(state))

    def destroy_node(self) -> None:
        """Also lets go of the state machine, which rclpy forgets: it would keep the node in everybody's graph."""
        super().destroy_node()
        self._destroyed = True
        self._state_machine.destroy_when_not_in_use()

    def rest(self) -> None:
        """Goes down to `inactive`, where what was begun can still be brought to its end."""
        if self.is_active:
            self.trigger_deactivate()

    def end(self) -> None:
        """Goes down through all states from wherever the node is; nothing happens once it is destroyed."""
        if self._destroyed:
            return
        for step in _STEPS.get(self._state_machine.current_state[1], ()):
            getattr(self, f"trigger_{step}")()

    def _guarded(
        self, action: Callable[[], None], then: Callable[[], TransitionCallbackReturn]
    ) -> TransitionCallbackReturn:
        try:
            action()
        except SegueError as error:
            self.get_logger().error(str(error))
            self._refusal = error
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self.get_logger().error(f"{type(error).__name__}: {error}")
            self._refusal = error
            return TransitionCallbackReturn.ERROR
        return then()

    def _start_alone(self) -> None:
        self._namesakes.refuse()
        self.start()
        self._namesakes.active(True)

    def _autostart(self) -> None:
        """Go on as far as it may now; called until the node is active and has its name for good."""
        try:
            if not self._prepared:
                self._prepared = True
                self.prepare()
            alone = self._namesakes.settled or self._namesakes.none()
            if alone and self._autostep():
                self._begin.cancel()
        except SegueError as error:
            self.get_logger().error(str(error))
            self.fail(error)
            self._begin.cancel()

    def _autostep(self) -> bool:
        """Take the next step up; whether there is none any more."""
        state = self._state_machine.current_state[1]
        if state == "unconfigured" and not self._configured:
            self._configured = self._did(self.trigger_configure)
            return not self._configured
        if state == "inactive" and not self._activated:
            self._activated = self._time_heard.heard() and self._did(self.trigger_activate)
            return self.failure is not None
        return state != "active" or self._namesakes.settled

    def _did(self, step: Callable[[], TransitionCallbackReturn]) -> bool:
        taken = step() == TransitionCallbackReturn.SUCCESS
        if not taken:
            self.fail(self._refusal)
        return taken


def exit_status(error: BaseException | None) -> int:
    """Exit status for an error: 0 for none, 10 plus the hundreds of its code for a SegueError, else 1."""
    if error is None:
        return EXIT_OK
    return EXIT_FAMILY + int(error.code) // 100 if isinstance(error, SegueError) else EXIT_UNEXPECTED


def run(create: Callable[[], LifecycleComponent], arguments: Sequence[str] | None = None) -> int:
    """Runs one component until SIGINT, SIGTERM, or a failure; returns the exit status of the process."""
    asked_to_end: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        asked_to_end.append(number)

    rclpy.init(
        args=None if arguments is None else list(arguments), signal_handler_options=SignalHandlerOptions.NO
    )
    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _run(create, asked_to_end)
    finally:
        rclpy.try_shutdown()
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(create: Callable[[], LifecycleComponent], asked_to_end: list[int]) -> int:
    try:
        node = create()
    except SegueError as error:
        get_logger("segue").error(str(error))
        return exit_status(error)
    executor = NodeExecutor(node.rest_s)
    executor.add_node(node)
    inspect.getmodule(
        inspect.currentframe()
    )  # a first log message would look through all modules: a third of a second
    try:
        while not asked_to_end and node.failure is None:
            executor.spin_once(timeout_sec=_POLL_S)
        node.rest()
        executor.finish(_FINISH_S)
    except Exception as error:
        node.get_logger().fatal(f"{type(error).__name__}: {error}")
        node.fail(error)
    node.end()
    executor.remove_node(node)
    node.destroy_node()
    return exit_status(node.failure)
