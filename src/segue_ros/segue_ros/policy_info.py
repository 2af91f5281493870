"""What a policy node says about its policy, to and from its message."""

from builtin_interfaces.msg import Time

from segue_core.action_space import ActionSpace, action_space
from segue_core.errors import ConfigError, ErrorCode, SchedulerError, clipped
from segue_core.policy import PolicyInfo
from segue_interfaces.msg import PolicyInfo as PolicyInfoMsg

_FASTEST_HZ = 1000.0


def info_to_msg(info: PolicyInfo, source: str, stamp: Time) -> PolicyInfoMsg:
    """What a policy node says about its policy."""
    message = PolicyInfoMsg(
        source=source,
        name=info.name,
        action_space=info.action_space.name,
        action_space_fingerprint=info.action_space.fingerprint(),
        horizon=info.horizon,
        num_steps=info.num_steps,
        rate_hz=float(info.rate_hz),
        cameras=list(info.cameras),
        image_width=info.image_size[0],
        image_height=info.image_size[1],
        capabilities=sorted(info.capabilities),
        max_delay=info.max_delay,
        max_ramp=info.max_ramp,
    )
    message.header.stamp = stamp
    return message


def info_from_msg(message: PolicyInfoMsg) -> PolicyInfo:
    """What the policy is and can do.

    Raises:
        ConfigError: an action space or a capability that this workspace does not know, or a number out of its bounds.
        SchedulerError: an action space of that name with other contents.
    """
    if not 0.0 < message.rate_hz <= _FASTEST_HZ:
        text = f"policy {clipped(message.name)!r}: rate_hz"
        expected = f"more than 0, at most {_FASTEST_HZ:g}"
        raise ConfigError(ErrorCode.CONFIG_INVALID_VALUE, text, got=message.rate_hz, expected=expected)
    space = action_space(message.action_space, float(message.rate_hz))
    _check_fingerprint(message, space)
    return PolicyInfo(
        name=message.name,
        action_space=space,
        horizon=int(message.horizon),
        num_steps=int(message.num_steps),
        rate_hz=float(message.rate_hz),
        cameras=tuple(message.cameras),
        image_size=(int(message.image_width), int(message.image_height)),
        capabilities=frozenset(message.capabilities),
        max_delay=int(message.max_delay),
        max_ramp=int(message.max_ramp),
    )


def _check_fingerprint(message: PolicyInfoMsg, space: ActionSpace) -> None:
    if message.action_space_fingerprint != space.fingerprint():
        text = f"policy {clipped(message.name)!r} speaks another action space {space.name!r}"
        got, expected = message.action_space_fingerprint, space.fingerprint()
        raise SchedulerError(ErrorCode.SCHEDULER_POLICY_MISMATCH, text, got=got, expected=expected)
