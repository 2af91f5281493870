"""What the episodes of a person need of the teleoperation node."""

from __future__ import annotations

from abc import abstractmethod

from segue_data.teleop.driver import Driver
from segue_data.teleop.episodes import Episodes
from segue_ros.cell_services import Cell
from segue_ros.lifecycle import LifecycleComponent


class TeleopBase(LifecycleComponent):
    """The parts of the node that both it and its `Tasks` use."""

    driver: Driver
    episodes: Episodes
    cell: Cell
    scheduler_phase: str
    scheduler_s: float  # steady time of the scheduler's last word

    @property
    @abstractmethod
    def now_tick(self) -> int:
        """The tick of now."""

    @abstractmethod
    def announce(self, who: str) -> None:
        """Tell everybody who commands from now on: "human" or "policy"."""

    @abstractmethod
    def say(self) -> None:
        """Publish how the session stands, at once."""

    @abstractmethod
    def take(self) -> None:
        """Command from the next tick on; the robot is armed."""
