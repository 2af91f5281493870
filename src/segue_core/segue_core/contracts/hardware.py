"""How a real robot is reached: the `hardware` section of a robot contract, or a file in `config/hardware/`."""

from typing import Any

from pydantic import Field

from segue_core.contracts.base import StrictModel
from segue_core.contracts.quantities import Patience, Positive, Timeout


class HardwareConfig(StrictModel):
    """The back end and its settings. Says where the robot is, not what it is: no part of its fingerprint."""

    backend: str = Field(description="name of the back end, see segue_control.backends")
    description: str = Field(default="", description="one sentence for people")
    connect_timeout_s: Patience = Field(default=10.0, description="patience with the robot to answer [s]")
    max_deviation_rad: Positive = Field(
        default=0.3, description="a joint further than this from its command does not follow: stop [rad]"
    )
    deviation_time_s: Timeout = Field(default=0.25, description="for how long that must be so [s]")
    options: dict[str, Any] = Field(default={}, description="settings of the back end, as it defines them")
