"""What `meta/` of a LeRobotDataset v3.0 says, checked against itself: rate, widths, cameras and their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from segue_core.action_space import ActionSpace
from segue_core.contracts.base import ModelT, StrictModel, parse_model
from segue_core.errors import ConfigError, DataError, ErrorCode
from segue_core.files import read_json as parsed_file
from segue_core.policy import MAX_SIDE
from segue_data.datasets import lerobot_format as layout
from segue_data.errors import invalid_dataset, missing

_Count = Annotated[int, Field(ge=0, le=10**9, strict=True)]
_Size = Annotated[int, Field(gt=0, le=10**6, strict=True)]
_Pixels = Annotated[int, Field(gt=0, le=MAX_SIDE, strict=True)]
_HIGHEST_RATE = 1000  # [Hz]
_CHANNELS = ("channels", "channel", "c")
_CONVERTER = "lerobot.scripts.convert_dataset_v21_to_v30"  # 0.6.1; lerobot.datasets.v30 in 0.4


def _rate(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _HIGHEST_RATE:
        allowed = f"expected a number above 0, at most {_HIGHEST_RATE}: the frames per second that it was recorded at"
        raise PydanticCustomError("rate", "{allowed}", {"allowed": allowed})
    return value


_Rate = Annotated[float, BeforeValidator(_rate)]


class Feature(BaseModel):
    """One entry of `features`."""

    dtype: str
    shape: tuple[_Size, ...]
    names: Any = None


class Info(BaseModel):
    """What Segue reads of `meta/info.json`; what else LeRobot keeps there is left alone."""

    codebase_version: str
    robot_type: str | None = None
    fps: _Rate
    total_episodes: _Count
    total_frames: _Count
    total_tasks: _Count = 0
    features: dict[str, Feature]


class OurEpisode(StrictModel):
    """What is known of an episode beside its frames."""

    bag: Annotated[str, Field(pattern=r"^[^/\x00-\x1f\x7f]{1,255}$")] | None = (
        None  # the folder that it came from
    )
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63, strict=True)] | None = None
    task: Annotated[str, Field(max_length=10_000)] | None = None


class Ours(StrictModel):
    """`meta/segue.json`."""

    format: Literal[1] = 1
    robot_contract: str = ""
    action_space: dict[str, Any]
    rate_hz: _Rate
    robot: str | None = None  # of an adopted dataset; of others info.json has it
    cameras: Annotated[tuple[str, ...], Field(min_length=1)]
    image_size: tuple[_Pixels, _Pixels] | None = None
    episodes: list[OurEpisode] = Field(default=[])


@dataclass(frozen=True)
class Camera:
    """Pictures of one camera as they are stored: pixels, and whether in videos or in the data files."""

    name: str
    height: int
    width: int
    video: bool

    @property
    def key(self) -> str:
        """Name of the feature."""
        return layout.IMAGE_PREFIX + self.name


@dataclass(frozen=True)
class Description:
    """What a dataset holds; `size` is (width, height) of pictures as they are read."""

    views: tuple[Camera, ...]
    space: ActionSpace
    rate_hz: float
    size: tuple[int, int]

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(view.name for view in self.views)


def read_json(path: Path) -> Any:
    """Parsed JSON file; DataError when it is missing or broken."""
    if not path.is_file():
        hint = "made by LeRobot? say whose it is: segue data adopt DATASET --robot NAME"
        hint = hint if path.name == Path(layout.OURS).name else "is this a LeRobotDataset v3.0?"
        raise missing(path, f"not there; {hint}")
    try:
        return parsed_file(path)
    except (OSError, ValueError) as error:
        raise invalid_dataset(path, "text", f"not JSON: {error}") from error


def read_info(path: Path) -> Info:
    """`meta/info.json` of the dataset `path`; DataError for another format version, or what is missing or absurd."""
    file = path / layout.INFO
    data = read_json(file)
    version = data.get("codebase_version") if isinstance(data, dict) else None
    if isinstance(data, dict) and version != layout.VERSION:
        raise invalid_dataset(file, "codebase_version", *_other_version(version))
    return _parsed(path, data, Info, layout.INFO)


def _other_version(version: object) -> tuple[str, str]:
    """What is wrong with it, and what to do."""
    text = f"{'not there' if version is None else repr(version)}, expected {layout.VERSION!r}"
    if isinstance(version, str) and version.startswith("v2."):
        return (
            text,
            f"turn v2.1 into v3.0 with LeRobot, in its environment: python -m {_CONVERTER} --repo-id NAME",
        )
    return text, "convert it with LeRobot, or record it anew"


def read_ours(path: Path) -> Ours:
    """`meta/segue.json` of the dataset `path`; DataError when it is missing or wrong."""
    return _parsed(path, read_json(path / layout.OURS), Ours, layout.OURS)


def robot_of(path: Path) -> str:
    """Name of the robot that the dataset `path` was adopted for, or else was recorded with; DataError as above."""
    return read_ours(path).robot or str(read_info(path).robot_type)


def _parsed(path: Path, data: Any, model: type[ModelT], name: str) -> ModelT:
    try:
        return parse_model(data, model, name)
    except ConfigError as error:
        raise DataError(
            ErrorCode.DATA_DATASET_INVALID, f"{path}, " + error.text.replace("\n", "; ")
        ) from error


def flat_names(names: Any) -> tuple[str, ...] | None:
    """Names of a vector's entries in order, from any form that LeRobot has had; None where there are none.

    `["x", "y"]`, `{"motors": ["x", "y"]}`, `{"x": 0, "y": 1}`, or lists in lists.
    """
    if names is None:
        return None
    if isinstance(names, str):
        return (names,)
    if isinstance(names, Mapping):
        values = list(names.values())
        if values and all(isinstance(value, int) for value in values):
            return tuple(sorted(map(str, names), key=lambda name: names[name]))
        return _joined(values)
    return _joined(names) if isinstance(names, Iterable) else (str(names),)


def _joined(parts: Iterable[Any]) -> tuple[str, ...] | None:
    found = tuple(name for part in parts for name in flat_names(part) or ())
    return found or None


def camera_of(name: str, feature: Feature, path: Path) -> Camera:
    """Size of a camera's pictures, by the names of the axes where they fit, otherwise by where the 3 is.

    Raises:
        DataError: not pictures of three channels.
    """
    shape, place = feature.shape, f"{layout.INFO}, {layout.IMAGE_PREFIX}{name}"
    if feature.dtype not in ("image", "video"):
        raise invalid_dataset(path, place, f"dtype {feature.dtype!r}, expected 'image' or 'video'")
    if len(shape) != 3 or 3 not in (shape[0], shape[2]):
        raise invalid_dataset(
            path, place, f"shape {list(shape)}, expected [height, width, 3] or [3, height, width]"
        )
    names = [axis.lower() for axis in flat_names(feature.names) or ()]
    channels = next((names.index(axis) for axis in _CHANNELS if axis in names), 2)
    if channels > 2 or shape[channels] != 3:
        channels = 2 if shape[2] == 3 else 0
    height, width = (size for axis, size in enumerate(shape) if axis != channels)
    if len(names) == 3 and {"width", "height"} < set(names) and names.index("width") < names.index("height"):
        height, width = width, height
    return Camera(name, height, width, feature.dtype == "video")


def describe(path: Path) -> Description:
    """What `meta/` says, checked against itself.

    Raises:
        DataError: everything that is missing, wrong or contradicts, and what is expected.
    """
    return description(path, read_info(path), read_ours(path))


def description(path: Path, info: Info, ours: Ours) -> Description:
    """As `describe`, of what was read already."""
    try:
        space = ActionSpace.from_dict(ours.action_space)
    except ConfigError as error:
        raise invalid_dataset(path, layout.OURS, error.text) from error
    if problems := [*_absent(info, ours), *wrong_widths(info, space), *_wrong_rate(info, ours)]:
        raise invalid_dataset(path, "meta", "; ".join(problems))
    features = info.features
    views = tuple(camera_of(name, features[layout.IMAGE_PREFIX + name], path) for name in ours.cameras)
    return Description(views, space, ours.rate_hz, ours.image_size or one_size(path, views))


def _absent(info: Info, ours: Ours) -> list[str]:
    absent = [name for name in ours.cameras if layout.IMAGE_PREFIX + name not in info.features]
    return [f"no pictures of {', '.join(absent)}, there are {pictured(info)}"] if absent else []


def pictured(info: Info) -> str:
    """Names of the cameras that have pictures, in words."""
    prefix = layout.IMAGE_PREFIX
    return ", ".join(sorted(k.removeprefix(prefix) for k in info.features if k.startswith(prefix))) or "none"


def wrong_widths(info: Info, space: ActionSpace) -> list[str]:
    """State and action features that are not as wide as the action space, in words."""
    shapes = {
        name: info.features[name].shape if name in info.features else ()
        for name in (layout.STATE, layout.ACTION)
    }
    return [
        f"{name} has shape {list(shape)}, expected [{space.dim}]"
        for name, shape in shapes.items()
        if shape != (space.dim,)
    ]


def _wrong_rate(info: Info, ours: Ours) -> list[str]:
    if info.fps in (ours.rate_hz, round(ours.rate_hz)):  # LeRobot's rate is a whole number
        return []
    return [f"{layout.INFO} says {info.fps:g} frames per second, {layout.OURS} {ours.rate_hz:g}"]


def one_size(path: Path, views: Sequence[Camera]) -> tuple[int, int]:
    """(width, height) of the pictures of all cameras; DataError naming each camera's where they differ."""
    sizes = {view.name: (view.width, view.height) for view in views}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{name} {width}x{height}" for name, (width, height) in sizes.items())
        what = f"cameras of different sizes: {each}; say at which one they are read: segue data adopt ... --size WxH"
        raise invalid_dataset(path, "pictures", what)
    return next(iter(sizes.values()))
