"""How far predicted chunks are from demonstrated ones, in units that a person can judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue_core.action_space import ActionSpace, ChannelKind


def chunk_errors(
    predicted: NDArray[np.float32],
    actual: NDArray[np.float32],
    space: ActionSpace,
    rows: Sequence[int] = (15, 30, 60),
) -> dict[str, float]:
    """Errors over the first rows of chunks `(B, H, D)`, physical units.

    Returns:
        `position_mm_R` for each R in `rows` up to H: root mean square distance of the end-effector points [mm];
        `gripper_accuracy`: share of the first 30 rows where open (>= 0.5) or closed agrees;
        `grasp_miss_mm`, `grasp_below_10mm`: how near the predicted path of an arm comes to the point where its gripper
        closes in the demonstration, whenever it comes there: median [mm], and share below 10 mm, of all closings.
        Each is absent without such channels, or such an event.
    """
    squared = np.square(predicted.astype(np.float64) - actual)
    points = [space.slice(c.name) for c in space.channels if c.kind == ChannelKind.POSITION]
    grippers = [space.slice(c.name) for c in space.channels if c.kind == ChannelKind.GRIPPER]
    errors: dict[str, float] = {}
    if points:
        distance = np.stack([squared[..., part].sum(axis=-1) for part in points])  # (points, B, H)
        kept = [count for count in rows if count <= actual.shape[1]] or [actual.shape[1]]
        errors = {
            f"position_mm_{count}": 1e3 * float(np.sqrt(distance[..., :count].mean())) for count in kept
        }
    if grippers:
        same = [(predicted[:, :30, part] >= 0.5) == (actual[:, :30, part] >= 0.5) for part in grippers]
        errors["gripper_accuracy"] = float(np.mean(same))
    if misses := _grasp_misses(predicted, actual, space):
        errors["grasp_miss_mm"] = 1e3 * float(np.median(misses))
        errors["grasp_below_10mm"] = float(np.mean(np.array(misses) < 0.01))
    return errors


def _grasp_misses(
    predicted: NDArray[np.float32], actual: NDArray[np.float32], space: ActionSpace
) -> list[float]:
    """Nearest approach [m] to the place of every closing in `actual`: `position_mm` sees timing, this sees places."""
    names = {channel.name for channel in space.channels}
    misses: list[float] = []
    for gripper in (c.name for c in space.channels if c.kind == ChannelKind.GRIPPER):
        position = gripper.removesuffix("gripper") + "position"
        if position not in names:
            continue
        opening, path = actual[..., space.slice(gripper)][..., 0], predicted[..., space.slice(position)]
        closing = (opening[:, :-1] >= 0.5) & (opening[:, 1:] < 0.5)  # (B, H - 1), in the row after
        for chunk, row in np.argwhere(closing):
            place = actual[chunk, row + 1, space.slice(position)].astype(np.float64)
            misses.append(float(np.linalg.norm(path[chunk] - place, axis=-1).min()))
    return misses
