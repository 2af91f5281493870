"""What a joint trajectory controller can do, from its parameters.

Names as in ros2_controllers: `allow_trajectory_replacement` (pull request 2419) splices a trajectory into the one that
is being executed at its header stamp, what that still had to do a cycle late; `interpolate_from_desired_state` starts
a trajectory at the last command rather than at the measured state; `positions_upsampling.enable` (2491) makes a C2
spline of chunks that carry positions only; `max_deceleration_on_cancel` (2163) brakes when an action is cancelled,
which a topic never is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segue_core.errors import ConfigError, ErrorCode

PARAMETERS = (
    "joints",
    "command_joints",
    "command_interfaces",
    "interface_name",
    "allow_trajectory_replacement",
    "interpolate_from_desired_state",
    "positions_upsampling.enable",
    "allow_partial_joints_goal",
)


@dataclass(frozen=True)
class TrajectoryFeatures:
    """The features that change what is sent."""

    splices: bool
    from_desired: bool
    upsamples: bool

    def notes(self, controller: str) -> tuple[str, ...]:
        """What people should know."""
        notes = []
        if not self.from_desired:
            notes.append(
                f"{controller} begins every trajectory at the measured state: commands jump back by what the arm lags; "
                "set interpolate_from_desired_state: true"
            )
        if self.splices:
            notes.append(
                f"{controller} blends trajectories, and each is a cycle late: rougher at our rates; set "
                "allow_trajectory_replacement: false"
            )
        if self.upsamples:
            notes.append(
                f"{controller} upsamples chunks of positions; ours carry speeds and pass it unchanged"
            )
        return tuple(notes)


def trajectory_features(parameters: Mapping[str, Any]) -> TrajectoryFeatures:
    """The features of a controller with these parameters; one that is not mentioned is not there."""
    return TrajectoryFeatures(
        splices=parameters.get("allow_trajectory_replacement") is True,
        from_desired=parameters.get("interpolate_from_desired_state") is True,
        upsamples=parameters.get("positions_upsampling.enable") is True,
    )


def check_joints(
    controller: str, parameters: Mapping[str, Any], names: Sequence[str], *, ordered: bool
) -> None:
    """Compares the joints that a controller says it has with those that it will be sent.

    Args:
        ordered: numbers are told apart by their place alone, as in a Float64MultiArray.

    Raises:
        ConfigError: it has other joints, or the same in another order.
    """
    theirs = [name for name in parameters.get("joints") or () if name]
    if not theirs:
        return
    partial = parameters.get("allow_partial_joints_goal") is True and not ordered
    fits = (
        list(names) == theirs
        if ordered
        else set(names) == set(theirs) or (partial and set(names) <= set(theirs))
    )
    if not fits:
        what = "joints, in this order" if ordered else "joints"
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT,
            f"controller {controller} has other {what}",
            got=", ".join(names),
            expected=", ".join(theirs),
        )


def check_interface(controller: str, parameters: Mapping[str, Any], quantity: str) -> None:
    """Refuses positions for a controller of speeds and the other way round, where it tells which it is.

    Raises:
        ConfigError: they differ.
    """
    told = parameters.get("interface_name")
    if told and told != quantity:
        raise ConfigError(
            ErrorCode.CONFIG_CONFLICT,
            f"controller {controller} takes another quantity",
            got=quantity,
            expected=told,
        )
