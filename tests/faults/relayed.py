"""A standing graph whose joint states and first camera go through the test's hands, and whose policy looks."""

from contextlib import ExitStack
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import Image, JointState

from segue_ros import qos
from segue_sim.testing import load_robot

from .live import Live, module
from .relay import Relay, Spoil, untouched

_JOINTS = "joint_states"


class Relayed(Live):
    """Spoil the relays `joints` and `pictures` with `spoil`.

    Attributes:
        camera: the one that is relayed.
        found_s: when perception said that something is wrong, on the run's clock.
    """

    def __init__(self, folder: Path, robot: str = "franka") -> None:
        self.camera = next(iter(load_robot(robot).cameras))
        self._picture = f"{self.camera}_camera/image_raw"
        through = {_JOINTS: JointState, self._picture: Image}
        super().__init__(folder, robot, {"policy": module("looking_policy")}, through=through)
        self.found_s: list[float] = []

    def open(self, stack: ExitStack) -> None:
        """Start the graph, and note what perception finds."""
        super().open(stack)
        self.node.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnostics, qos.STATE)

    @property
    def joints(self) -> Relay:
        """Of joint_states."""
        return self.relays[_JOINTS]

    @property
    def pictures(self) -> Relay:
        """Of the camera."""
        return self.relays[self._picture]

    def spoil(self, relay: Relay, spoil: Spoil) -> float:
        """From now on; the moment on the run's clock."""
        since_s = self.witness.sim_s
        relay.spoil = spoil
        return since_s

    def heal(self) -> None:
        """All is passed on as it comes."""
        for relay in self.relays.values():
            relay.spoil = untouched

    def found_after(self, since_s: float) -> float:
        """How long after `since_s` perception said that something is wrong."""
        return next(s for s in self.found_s if s >= since_s) - since_s

    def seen(self) -> set[str]:
        """Average colours that the policy saw of the camera."""
        words = (line.split() for line in self.log("policy").splitlines())
        return {" ".join(w[2:]) for w in words if w[:2] == ["saw", self.camera]}

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "segue_perception: observation" and status.level == DiagnosticStatus.ERROR:
                self.found_s.append(self.witness.sim_s)
