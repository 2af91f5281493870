"""A network in LeRobot's place that fails as its instruction says, behind the real server: run by `double`'s program.

`stub(FOLDER)` writes a program to be named as LEROBOT_PYTHON, which runs this file whatever it is told to run.
"""

import os
import signal
import sys
import time
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()


def stub(folder: Path, script: Path = HERE, python: str = sys.executable, *words: str) -> Path:
    """A program that stands for an interpreter: `stub -E -u lerobot_server ...` runs `script WORDS ...` instead."""
    path = folder / "python"
    before = " ".join(f"'{word}'" for word in (python, "-u", str(script), *words))
    path.write_text(f'#!/bin/sh\nshift 3\nexec {before} "$@"\n')
    path.chmod(0o755)
    return path


class Double:
    """Rows that say what was asked: the newest state, then plus 1 for every further chunk."""

    def __init__(self, folder):
        config = (folder / "config.json").read_bytes()
        self.facts = {"lerobot": "double", "device": "none", "config": sha256(config).hexdigest()}

    def draw(self, asked, arrays):
        """As the instruction says."""
        rows = (
            np.tile(arrays["state"][-1], (asked["count"], 20, 1)) + np.arange(asked["count"])[:, None, None]
        )
        match asked["task"]:
            case "die":
                print("the last words", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            case "leave":
                sys.exit(3)
            case "hang":
                time.sleep(1000)
            case "raise":
                raise RuntimeError("the network is upset")
            case "no memory":
                raise refused("POLICY_OUT_OF_MEMORY", "too large")
            case "nan":
                rows[0, 3, 2] = np.nan
            case "short":
                rows = rows[:, :-1]
        return rows.astype(np.float32)


def load(folder, threads, device):
    """A double, or what the file `fault` of the checkpoint says; its process id is in the file `pid`."""
    (folder / "pid").write_text(f"{os.getpid()}\n")
    match (folder / "fault").read_text() if (folder / "fault").is_file() else "":
        case "refuse":
            raise refused("CHECKPOINT_CORRUPT", f"{folder}: LeRobot cannot load it")
        case "crash":
            raise SystemExit("no such library")
        case "hang":
            time.sleep(1000)
    return Double(folder)


if __name__ == "__main__":
    sys.path.append(str(HERE.parents[1] / "segue_policies" / "methods" / "lerobot"))
    refused = import_module("lerobot_server.wire").Refused
    sys.exit(import_module("lerobot_server.serving").main(load=load))
