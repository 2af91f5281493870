"""Which build of torch arrives, said before several GB of it do."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segue_bringup.environment.errors import EnvironmentProblem
from segue_bringup.environment.host import free_gb

CUDA_DISK_GB = 10.0  # a CUDA build with its libraries, and the downloads
_CPU_CURE = (
    "name an index with CPU builds: ./segue setup --torch cpu --torch-index ADDRESS (torch's site lists one)"
)


@dataclass(frozen=True)
class TorchChoice:
    """What the user wants: a build ("any": take what the package index gives) and an index address ("": default)."""

    build: str = "any"
    index: str = ""

    def arguments(self) -> list[str]:
        """Extra arguments for pip."""
        return ["--index-url", self.index] if self.index else []


def load_choice(file: Path) -> TorchChoice:
    """The remembered choice; the default when there is none."""
    try:
        saved = json.loads(file.read_text())
        return TorchChoice(str(saved["build"]), str(saved["index"]))
    except (OSError, ValueError, KeyError, TypeError):
        return TorchChoice()


def save_choice(file: Path, choice: TorchChoice) -> None:
    """Remember a choice for later set-ups of this workspace."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"build": choice.build, "index": choice.index}) + "\n")


def offered_build(report: Mapping[str, object]) -> str:
    """What pip's report says it would install: "cpu" or "cuda"; "none" when torch is there already."""
    install = report.get("install")
    if not isinstance(install, Sequence) or not install:
        return "none"
    metadata = install[0]["metadata"]
    needs = " ".join(metadata.get("requires_dist", ()))
    is_cuda = "+cpu" not in metadata["version"] and ("nvidia" in needs or "cuda" in needs)
    return "cuda" if is_cuda else "cpu"


def ask_pip(python: Path, requirement: Path, choice: TorchChoice, environment: Mapping[str, str]) -> str:
    """What pip would install for the pinned torch, without installing it: "cpu", "cuda" or "none"."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--report", "-"]
    command += [*choice.arguments(), "-r", str(requirement)]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EnvironmentProblem(
            f"pip finds no torch for this machine: {last[0]}", "check the network and --torch-index"
        )
    return offered_build(json.loads(done.stdout))


def confirm(offered: str, choice: TorchChoice, folder: Path) -> str:
    """Check what is offered against the choice; return a sentence to show, or "".

    Raises:
        EnvironmentProblem: the offered build is not the chosen one, or does not fit on the disk.
    """
    if offered != "cuda":
        return ""
    if choice.build == "cpu":
        raise EnvironmentProblem("the package index offers only a CUDA build of torch", _CPU_CURE)
    if free_gb(folder) < CUDA_DISK_GB:
        text = f"the package index offers a CUDA build of torch, which needs {CUDA_DISK_GB:.0f} GB of disk"
        raise EnvironmentProblem(f"{text}; {int(10 * free_gb(folder)) / 10:.1f} GB are free", _CPU_CURE)
    said = "the package index offers a CUDA build of torch: several GB, and Segue does not need it."
    if choice.build == "any" and sys.stdin.isatty() and not _yes(said):
        raise EnvironmentProblem("stopped before the CUDA build of torch", _CPU_CURE)
    return f"{said} For a CPU build: {_CPU_CURE}"


def _yes(said: str) -> bool:
    answer = input(f"\n{said}\nInstall it all the same? [Y/n] ").strip().lower()
    return answer in ("", "y", "yes")
