"""`segue adopt`: a checkpoint of LeRobot for a robot of ours."""

from __future__ import annotations

from segue_core.errors import ConfigError, ErrorCode
from segue_data.contracts import load_robot
from segue_policies.methods.lerobot.adopt import adopt
from segue_policies.methods.lerobot.contract import Adoption
from segue_policies.methods.lerobot.place import Place, find_place, parse_place
from segue_policies.methods.lerobot.settings import AdoptOptions


def run(options: AdoptOptions) -> int:
    """Do it and say what comes next; the exit status."""
    robot, cameras = load_robot(options.robot), dict(_pair(text) for text in options.camera)
    own = parse_place(options.lerobot, "--lerobot") if options.lerobot else None
    adoption = Adoption(
        action_space=robot.action_space.to_dict(), cameras=cameras, instruction=options.instruction,
        lerobot=str(own or ""),
    )  # fmt: skip
    place, missing = _place(adoption)
    contract, tried = adopt(options.checkpoint, robot, adoption, place)
    info, (width, height) = contract.info, contract.info.image_size
    print(
        f"{options.checkpoint} fits {robot.name}: {contract.kind}, {info.horizon} rows of {info.action_space.dim} at "
        f"{info.rate_hz:g} Hz, pictures of {', '.join(info.cameras) or 'no camera'} at {width}x{height}"
    )
    print(tried or f"not tried: {missing}")
    print(f"next: segue run policy:=lerobot checkpoint:={options.checkpoint}")
    return 0


def _place(adoption: Adoption) -> tuple[Place | None, str]:
    """Where to try it, or why it cannot be tried here: the robot's machine may have no LeRobot."""
    try:
        return find_place(adoption.lerobot), ""
    except ConfigError as error:
        return None, error.advised


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (equals and ours and theirs):
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "--camera", got=text, expected="OURS=THEIRS, such as head=top"
        )
    return ours, theirs
