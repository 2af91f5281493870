"""What a policy was shown at a tick: the newest recorded frame of every camera that is not later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue_core.arrays import Rgb
from segue_core.errors import DataError, ErrorCode
from segue_core.observation import Observation
from segue_core.policy import PolicyInfo
from segue_data.bags.reader import Record, read, stamp_ns
from segue_data.datasets.alignment import as_of, in_order
from segue_eval.report.frames import camera_topics, to_rgb
from segue_perception.preprocess import resize

MAX_AGE_NS = 200_000_000
"""An older frame than this at a tick is a hole in the recording, and no observation."""


class RecordedCameras:
    """Frames of a bag by time. Frames stay compressed until they are asked for."""

    def __init__(self, bag: Path, info: PolicyInfo) -> None:
        """Raises DataError when a camera of the policy is not in the bag."""
        self._bag, self._info = bag, info
        topics = camera_topics(bag)
        missing = sorted(set(info.cameras) - set(topics))
        if missing:
            got, names = ", ".join(topics) or "none", ", ".join(missing)
            raise DataError(ErrorCode.DATA_BAG_INCOMPLETE, f"{bag}: no images of camera {names}", got=got)
        self._frames: dict[str, list[Record]] = {name: [] for name in info.cameras}
        self._stamps = {name: self._read(name, topics[name]) for name in info.cameras}

    def _read(self, camera: str, topic: str) -> NDArray[np.int64]:
        stamps = []
        for record in read(self._bag, frozenset({topic})):
            self._frames[camera].append(record)
            stamps.append(stamp_ns(record.message().header))
        return in_order(stamps, source=self._bag, stream=topic)

    def images(self, stamp: int) -> Mapping[str, Rgb]:
        """One image per camera of the policy, at its own size, as of `stamp` [ns]; DataError for a hole."""
        return {name: self._image(name, stamp) for name in self._info.cameras}

    def _image(self, camera: str, stamp: int) -> Rgb:
        index = as_of(
            np.array([stamp]),
            self._stamps[camera],
            max_age_ns=MAX_AGE_NS,
            source=self._bag,
            stream=f"camera {camera}",
        )
        frame = self._frames[camera][int(index[0])].message()
        return resize(to_rgb(frame, camera), self._info.image_size)

    def observation(
        self, tick: int, stamp: int, measured: Sequence[float] | NDArray[np.float64]
    ) -> Observation:
        """What a policy is shown for `tick`."""
        return Observation(tick, np.asarray(measured, dtype=np.float32), self.images(stamp))
