"""What the task server needs of the scheduler node."""

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace
from segue_interfaces.msg import SafetyState
from segue_ros import ticks
from segue_ros.lifecycle import LifecycleComponent
from segue_ros.perception_status import Unseen
from segue_scheduler.node.policy_link import PolicyLink
from segue_scheduler.node.session import Session
from segue_scheduler.node.settings import SchedulerParameters
from segue_scheduler.node.watches import TickWatch


class SchedulerBase(LifecycleComponent):
    """What the node knows; its ticks and its task server both use it."""

    given: SchedulerParameters
    space: ActionSpace
    watch: TickWatch
    policy: PolicyLink
    unseen: Unseen
    safety: SafetyState
    session: Session | None  # the run that is there
    measured: NDArray[np.float64] | None  # newest state (D,)
    measured_at: int  # its tick
    human: bool  # a person has the robot

    @property
    def tick(self) -> int:
        """The tick of now."""
        return ticks.tick_of(self.get_clock().now().nanoseconds, self.space.rate_hz)
