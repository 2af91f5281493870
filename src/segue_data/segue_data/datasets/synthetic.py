"""A dataset of made-up frames, for tests and benchmarks: its files are those of a converted one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segue_core.contracts.robot import RobotConfig
from segue_data.datasets.bag_to_rows import EpisodeArrays
from segue_data.datasets.dataset import EpisodeDataset, load
from segue_data.datasets.writer import IMAGE_SIZE, ConversionOptions, EpisodeJob, write_arrays, write_meta


def write_synthetic(
    out: Path,
    robot: RobotConfig,
    lengths: Sequence[int],
    size: tuple[int, int] = IMAGE_SIZE,
    seed: int = 0,
) -> EpisodeDataset:
    """Episodes of `lengths` frames: smooth motion within the limits, noise as pictures of `size` (width, height)."""
    rng, options = np.random.default_rng(seed), ConversionOptions(size=size)
    starts = np.cumsum([0, *lengths]).tolist()
    jobs, statistics = [], []
    for number, length in enumerate(lengths):
        name = f"synthetic_{number:04d}"
        job = EpisodeJob(Path(name), out, number, "nothing", 0, number, starts[number], length)
        jobs.append(job)
        statistics.append(write_arrays(job, robot, options, _frames(robot, length, size, rng)))
    write_meta(robot, options, jobs, statistics)
    return load(out, workers=1, bar=False)


def _frames(
    robot: RobotConfig, length: int, size: tuple[int, int], rng: np.random.Generator
) -> EpisodeArrays:
    space = robot.action_space
    phase = np.arange(length + 1)[:, None] / space.rate_hz + rng.uniform(0, 6, space.dim)
    path = space.clip(0.3 * np.sin(phase)).astype(np.float32)
    images = rng.integers(0, 256, (length, len(robot.cameras), size[1], size[0], 3), dtype=np.uint8)
    time_s = np.arange(length) / robot.tick_rate_hz
    return EpisodeArrays(images, path[:-1], path[1:], time_s)
