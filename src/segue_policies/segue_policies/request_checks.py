"""Checks that every policy makes on a request. No torch."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segue_core.contracts.base import ModelT, parse_model
from segue_core.errors import ConfigError, ErrorCode, PolicyError
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo, PredictRequest
from segue_core.sampling import PLAIN


def read_options(request: PredictRequest, model: type[ModelT]) -> ModelT:
    """The settings that come with a request, as its sampling has them.

    Raises:
        PolicyError: POLICY_BAD_REQUEST naming the option and what is allowed.
    """
    try:
        return parse_model(dict(request.options), model, f"options of {request.sampling}")
    except ConfigError as error:
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, error.text) from error


def check_plain(request: PredictRequest, name: str) -> None:
    """For policies that cannot be guided; raises PolicyError for another method than `plain`, or an option."""
    check_served(request, name, (PLAIN.name,))
    if request.options:
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, f"{name} has no options", got=sorted(request.options))


def check_guidance(request: PredictRequest, info: PolicyInfo) -> NDArray[np.float32]:
    """The omega (H,) that is applied: zero for a plain request, whatever it says.

    Raises:
        PolicyError: POLICY_BAD_REQUEST, omega or reference of the wrong shape, not finite or out of range.
    """
    horizon, dim = info.horizon, info.action_space.dim
    if request.sampling == PLAIN.name:
        return np.zeros(horizon, dtype=np.float32)
    omega = check_rows("omega", request.omega, (horizon,))
    check_rows("reference", request.reference, (horizon, dim))
    if omega.min() < 0 or omega.max() > 1:
        got = f"{omega.min()} to {omega.max()}"
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, "omega", got=got, expected="0 to 1")
    return omega


def check_served(request: PredictRequest, name: str, served: Collection[str]) -> None:
    """Raises PolicyError unless the request's sampling is one of those `served`."""
    if request.sampling not in served:
        text, allowed = f"{name}: sampling", tuple(served)
        raise PolicyError(ErrorCode.POLICY_UNSUPPORTED_SAMPLING, text, got=request.sampling, allowed=allowed)


def check_observation(
    observation: Observation, info: PolicyInfo, state_dim: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images (cameras, h, w, 3) in the policy's order, and the state (S,).

    Raises:
        PolicyError: as `stacked_images`, and POLICY_BAD_REQUEST for a wrong width of the state.
    """
    images = stacked_images(observation, info.cameras, info.image_size)
    return images, check_rows("state", observation.state, (state_dim,))


def stacked_images(
    observation: Observation, cameras: tuple[str, ...], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Images (cameras, h, w, 3) of `size`, which is width and height, in the order of `cameras`.

    Raises:
        PolicyError: POLICY_OBSERVATION_MISSING naming the camera, or POLICY_BAD_REQUEST for a wrong size.
    """
    missing = [name for name in cameras if name not in observation.images]
    if missing:
        raise PolicyError(
            ErrorCode.POLICY_OBSERVATION_MISSING, f"no image from {', '.join(missing)}",
            got=sorted(observation.images), expected=list(cameras),
        )  # fmt: skip
    width, height = size
    for name in cameras:
        shape = observation.images[name].shape
        if shape != (height, width, 3):
            raise PolicyError(
                ErrorCode.POLICY_BAD_REQUEST, f"image {name!r}", got=shape, expected=(height, width, 3)
            )
    blank = np.zeros((0, height, width, 3), dtype=np.uint8)
    return np.stack([observation.images[name] for name in cameras]) if cameras else blank


def not_finite(name: str, actions: NDArray[np.float32]) -> PolicyError:
    """The error (not raised) of a policy whose network answered rows (H, D) that are not finite."""
    bad = int((~np.isfinite(actions)).sum())
    text, got = (
        f"{name}: the predicted chunk is not finite",
        f"{bad} of {actions.size} values NaN or infinite",
    )
    return PolicyError(ErrorCode.POLICY_NOT_FINITE, text, got=got, expected="finite values")


def check_rows(what: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`values` as a float32 copy of exactly `shape`, all finite.

    Raises:
        PolicyError: POLICY_BAD_REQUEST naming `what`.
    """
    array = np.array(values, dtype=np.float32)
    if array.shape != shape:
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, f"{what}: shape", got=array.shape, expected=shape)
    if not np.isfinite(array).all():
        raise PolicyError(ErrorCode.POLICY_BAD_REQUEST, f"{what} is not finite")
    return array
