"""`segue bench data`: record a load, convert what was recorded, and print what both took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from segue_core.errors import DataError, ErrorCode
from segue_data.contracts import config_folder

_LIMIT_MIN_PER_GB = 5.0


def _environment() -> dict[str, str]:
    given = {
        "FASTDDS_DEFAULT_PROFILES_FILE": str(config_folder() / "dds" / "large_images.xml"),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(20 + os.getpid() % 80),
        "OMP_NUM_THREADS": "1",
    }
    return {**given, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _record(root: Path, seconds: float, *, raw: bool) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "segue_data.node.recorder_load",
        "--root",
        str(root),
        "--seconds",
        str(seconds),
    ]
    done = subprocess.run(
        [*command, "--raw"] if raw else command,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        text = f"the load ended with status {done.returncode}: {done.stderr.strip()[-500:]}"
        raise DataError(ErrorCode.DATA_CONVERSION, text)
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report


def _convert(bags: Path, out: Path, workers: int) -> dict[str, float]:
    """Conversion in a process of its own, so that its memory can be told."""
    size = sum(file.stat().st_size for file in bags.glob("*/*.mcap")) / 1e9
    command = [sys.executable, "-m", "segue_data.cli", "convert", str(bags), str(out), "--doubtful"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode:
        raise DataError(ErrorCode.DATA_CONVERSION, f"the conversion failed: {said.strip().splitlines()[-1]}")
    return {
        "bag_gb": size,
        "seconds": seconds,
        "gb_per_min": 60 * size / seconds,
        "min_per_gb": seconds / 60 / size,
        "peak_mb_of_a_process": usage.ru_maxrss / 1024,
    }


def run(seconds: float, workers: int, folder: Path | None = None) -> dict[str, Any]:
    """Everything; needs 100 MB of disk per second of load. Nothing is left unless a `folder` is given.

    Raises:
        DataError: recording or conversion failed.
    """
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as temporary:
        root = folder or Path(temporary)
        report: dict[str, Any] = {"bench": "data", "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        for kind in ("jpeg", "raw"):
            report[kind] = _record(root / kind, seconds, raw=kind == "raw")
            report[f"convert_{kind}"] = _convert(root / kind, root / f"dataset_{kind}", workers)
        return report


def table(report: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        "three cameras 640x480 at 30 Hz, joint states at 100 Hz, commands at 30 Hz; "
        f"{report['cores']} cores, load before: {report['load']:.1f}",
        "",
        f"{'recording':<10}{'published':>10}{'lost':>6}{'offered MB/s':>14}{'written MB/s':>14}"
        f"{'CPU cores':>11}{'peak MB':>9}",
    ]
    for kind in ("jpeg", "raw"):
        r = report[kind]
        lines.append(
            f"{kind:<10}{r['published']:>10}{r['lost']:>6}{r['offered_mb_s']:>14.1f}{r['written_mb_s']:>14.1f}"
            f"{r['recorder_cpu_cores']:>11.2f}{r['recorder_peak_mb']:>9.0f}"
        )
    lines += ["", f"{'conversion':<10}{'bag GB':>10}{'s':>8}{'GB/min':>9}{'min/GB':>9}{'peak MB':>9}"]
    for kind in ("jpeg", "raw"):
        c = report[f"convert_{kind}"]
        lines.append(
            f"{kind:<10}{c['bag_gb']:>10.2f}{c['seconds']:>8.1f}{c['gb_per_min']:>9.2f}{c['min_per_gb']:>9.2f}"
            f"{c['peak_mb_of_a_process']:>9.0f}"
        )
    worst = max(report[f"convert_{kind}"]["min_per_gb"] for kind in ("jpeg", "raw"))
    verdict = "within" if worst <= _LIMIT_MIN_PER_GB else "OVER"
    lines.append(f"slowest conversion {worst:.2f} min/GB: {verdict} the limit of {_LIMIT_MIN_PER_GB:g}")
    for kind in ("jpeg", "raw"):
        lines += [f"note: {kind}: {doubt}" for doubt in report[kind]["doubts"]]
    return "\n".join(lines)
