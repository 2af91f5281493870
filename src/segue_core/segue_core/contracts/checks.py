"""Checks across the fields of a robot contract. All raise ValueError with a text that names field and numbers."""

from collections.abc import Mapping, Sequence

from segue_core.contracts.quantities import Vector3

LONGEST_STOP_S = 30.0
"""Longest time in which a joint at full speed comes to rest; an arm that takes longer cannot be stopped by anybody."""
POSE_NUMBERS = 6
"""Joints that an arm needs to reach any pose of its tool: three numbers of the position, three of the orientation."""
_TOLERANCE = 1e-6  # of a whole number: periods such as 1/480 s are written with sixteen digits


def one_per_joint(joints: int, **numbers: Sequence[float]) -> None:
    """Every field has as many numbers as there are joints."""
    for field, values in numbers.items():
        if len(values) != joints:
            raise ValueError(f"{field} has {len(values)} numbers for {joints} joints")


def rates_fit(tick_rate_hz: float, control_rate_hz: float, physics_step_s: float) -> None:
    """A tick is a whole number of controller updates, and an update a whole number of physics steps."""
    _whole(
        control_rate_hz / tick_rate_hz, f"control_rate_hz {control_rate_hz} per tick_rate_hz {tick_rate_hz}"
    )
    steps = 1.0 / (control_rate_hz * physics_step_s)
    _whole(steps, f"physics_step_s {physics_step_s} in a controller update of 1/{control_rate_hz} s")


def _whole(ratio: float, what: str) -> None:
    if round(ratio) < 1 or abs(ratio - round(ratio)) > _TOLERANCE * ratio:
        raise ValueError(f"{what}: {ratio:.6g} is not a whole number")


def refuse_endless_stops(
    velocity: Sequence[float], acceleration: Sequence[float], jerk: Sequence[float]
) -> None:
    """Every joint comes to rest from full speed [rad/s] in a while, with its acceleration and jerk (rad, s)."""
    for index, (v, a, j) in enumerate(zip(velocity, acceleration, jerk, strict=True)):
        stop_s = (
            v / a + 4.0 * a / j
        )  # braking, and turning the acceleration around; see control's JointLimits
        if stop_s > LONGEST_STOP_S:
            raise ValueError(
                f"joint {index + 1} with velocity_rad_s {v:g}, acceleration_rad_s2 {a:g} and jerk_rad_s3 {j:g} takes "
                f"{stop_s:.3g} s to stop, allowed: at most {LONGEST_STOP_S:g} s"
            )


def refuse_unreachable(arm: str, joints: int, orientation: str | None, space: str) -> None:
    """An arm that is told tool poses reaches them all, or its contract says what becomes of the others."""
    if joints < POSE_NUMBERS and orientation is None:
        raise ValueError(
            f"arm {arm!r} has {joints} joints and cannot reach all tool poses of {space!r}; say `orientation: nearest` "
            f"in its tool (the position is kept, the orientation is the nearest that it reaches), or command joints"
        )


def refuse_twice(what: str, names: Sequence[str]) -> None:
    """Nothing has the name of another, and nothing has none."""
    wrong = sorted({name for name in names if not name or names.count(name) > 1})
    if wrong:
        raise ValueError(f"{what} {wrong[0]!r} is there twice" if wrong[0] else f"a {what} has no name")


def refuse_no_view(position: Vector3, look_at: Vector3, up: Vector3) -> None:
    """A camera looks somewhere else than where it is, and not along what is up."""
    x, y, z = (b - a for a, b in zip(position, look_at, strict=True))
    across = (y * up[2] - z * up[1], z * up[0] - x * up[2], x * up[1] - y * up[0])
    if not any(abs(part) > _TOLERANCE for part in across):
        raise ValueError(
            f"a camera at {list(position)} that looks at {list(look_at)} has no picture with up {list(up)}"
        )


def refuse_unknown_mounts(mounts: Mapping[str, str], arms: Sequence[str]) -> None:
    """Every camera is on the world or on a body of an arm that there is."""
    for camera, mount in mounts.items():
        arm, slash, body = mount.partition("/")
        if mount != "world" and not (arm in arms and slash and body):
            raise ValueError(
                f"camera {camera!r}: mount {mount!r} is neither world nor <arm>/<body> with arm {list(arms)}"
            )
