"""Check or describe a bag, a folder of bags, or a dataset: the right question for what is there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segue_data.bags.folders import find_bags, finished_below, open_episodes, unfinished_bags
from segue_data.bags.manifest import RECORDING, load
from segue_data.bags.reader import extent_of
from segue_data.checks.bag import check_bag
from segue_data.checks.dataset import check_dataset
from segue_data.datasets import lerobot_format as layout
from segue_data.datasets.info import describe, read_info, robot_of
from segue_data.errors import missing
from segue_data.findings import Findings
from segue_data.parallel import run_all


def is_dataset(path: Path) -> bool:
    """Whether `path` holds a LeRobotDataset, or what is left of one."""
    return os.path.lexists(path / layout.INFO) or ((path / "meta").is_dir() and (path / "data").is_dir())


def _open_episodes(path: Path) -> list[Findings]:
    """Findings for episodes that a recorder left open, and for bags that are not finished."""
    opened, links = open_episodes(path)
    findings = [Findings(bag, "bag") for bag in opened]
    for finding in findings:
        finding.add(
            "bag",
            "left open by a recorder that was killed (or is recording now); `segue data repair` closes it",
        )
    for link in links:
        findings.append(Findings(path / RECORDING, "bag"))
        findings[-1].add("link", str(link))
    for bag in unfinished_bags(path):
        findings.append(Findings(bag, "bag"))
        findings[-1].add("bag", f"no metadata.yaml: not a finished bag; `segue data repair {bag}` writes one")
    return findings


def check(path: Path, *, workers: int = 2, bar: bool = True) -> list[Findings]:
    """Findings for the dataset, the bag, or every bag in the folder `path`.

    Raises:
        DataError: there is neither a dataset nor a bag.
    """
    if not path.exists():
        raise missing(path, "no such file or folder", "give a bag, a folder of bags or a dataset")
    if is_dataset(path):
        return [check_dataset(path)]
    left = _open_episodes(path)
    bags: Sequence[Path] = find_bags(path) if not left or finished_below(path) else ()
    few = 1 if len(bags) < 4 else workers  # starting processes takes longer than reading a few bags
    return [*run_all(check_bag, bags, workers=few, label="checking", unit="bag", bar=bar), *left]


def info(path: Path) -> dict[str, Any]:
    """What is at `path`, a dataset or bags, without reading messages; DataError if neither."""
    if is_dataset(path):
        about, meta = describe(path), read_info(path)
        return {
            "kind": "dataset",
            "format": meta.codebase_version,
            "robot": robot_of(path),
            "episodes": meta.total_episodes,
            "frames": meta.total_frames,
            "rate_hz": about.rate_hz,
            "cameras": {view.name: f"{view.width}x{view.height}" for view in about.views},
            "read_at": "{}x{}".format(*about.size),
            "action_space": about.space.name,
        }
    bags = find_bags(path)
    manifests = [load(bag) for bag in bags]
    first = manifests[0]
    outcomes = Counter(manifest.outcome for manifest in manifests)
    messages: Counter[str] = Counter()
    duration_s = 0.0
    for bag, manifest in zip(bags, manifests, strict=True):
        # one that a person wrote beside a foreign bag need not count
        counts, seconds = (
            (manifest.counts, manifest.duration_s) if manifest.message_counts else extent_of(bag)
        )
        messages.update(counts)
        duration_s += seconds
    return {
        "kind": "bags",
        "bags": len(manifests),
        "unfinished": len(unfinished_bags(path)),
        "robot": sorted({m.robot for m in manifests}),
        "task": sorted({m.task for m in manifests}),
        "outcomes": dict(sorted(outcomes.items())),
        "duration_s": round(duration_s, 3),
        "incomplete": sum(not m.complete for m in manifests),
        "dropped": sum(sum(m.dropped.values()) for m in manifests),
        "messages": dict(messages),
        "code_version": first.code_version,
    }
