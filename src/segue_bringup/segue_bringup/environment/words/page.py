"""Every command by purpose, before anything is set up: the page of `segue help`, and what a mistyped command meant."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

EXIT_USAGE: Final = 2
UNKNOWN_NAME: Final = "601 CONFIG_UNKNOWN_NAME"  # segue_core.errors.ErrorCode, not importable yet
HELP: Final = ("help", "-h", "--help")

PURPOSES: Final[Mapping[str, Mapping[str, str]]] = {
    "Do a task": {
        "run": "one episode: ./segue run task=push_button policy=act --seed 3",
        "record": "demonstrations by keyboard, gamepad, leader arm or script",
        "replay": "a recorded episode again, in the simulator or on the robot",
        "move": "the arms to a named pose, by a planned way: ./segue move home",
        "serve": "the policy alone, for a robot on another machine",
        "gazebo": "Gazebo's files for a robot and a task",
        "moveit": "MoveIt's files for a robot: URDF, SRDF, parameters",
        "views": "an RViz configuration and a Foxglove layout of a robot",
    },
    "Train and compare": {
        "data": "recordings and datasets: record, convert, check, repair, show",
        "learn": "a task: record, train, evaluate, in a given time",
        "train": "a policy from a dataset: ./segue train act data=FOLDER",
        "adopt": "a checkpoint of LeRobot for a robot",
        "eval": "many seeds in lockstep, or a paper's table: ./segue eval list",
        "corrections": "what the expert would have done where a policy went",
        "finetune": "a policy or a progress estimator with the policy's own episodes",
        "compare": "other continuations on a recorded episode; nothing moves",
        "picture": "what a policy would do at a frame of a dataset",
        "report": "video, numbers and page of a run, again",
        "bench": "what things cost on this machine",
        "soak": "what grows or jitters over minutes or hours, live or in lockstep",
    },
    "This workspace": {
        "doctor": "what is there, what is missing; --json FILE",
        "setup": "only set up; --torch cpu|cuda|any, --torch-index ADDRESS",
        "test": "all checks and tests; --fast, --faults, --fuzz [N]",
        "env": 'the environment for a terminal: eval "$(./segue env)"',
        "shell": "a shell in that environment, or one command in it",
        "completion": 'of words in a shell: eval "$(./segue completion bash)"',
        "help": "this page; ./segue help COMMAND: its settings and examples",
    },
}
VERBS: Final[Mapping[str, str]] = {name: text for verbs in PURPOSES.values() for name, text in verbs.items()}


def _page() -> str:
    width = max(map(len, VERBS))
    parts = [
        "\n".join([purpose, *(f"  {name:<{width}}  {text}" for name, text in verbs.items())])
        for purpose, verbs in PURPOSES.items()
    ]
    head = "usage: ./segue COMMAND ...    (what is missing is set up first)\n       ./segue COMMAND --help"
    tail = (
        "Settings: --name VALUE, --name=VALUE, name:=VALUE or name=VALUE, as you like.\n"
        "Pages: README.md, docs/commands.md (what commands leave), docs/exit-codes.md"
    )
    return "\n\n".join([head, *parts, tail]) + "\n"


USAGE: Final = _page()


def unknown_command(word: str) -> str:
    """What to say of a word that is no command: the nearest ones, or all."""
    import difflib

    near = difflib.get_close_matches(word[:100], [*VERBS, "--version"], n=3, cutoff=0.6)
    meant = f" (did you mean {' or '.join(map(repr, near))}?)" if near else f"; allowed: {', '.join(VERBS)}"
    return f"[{UNKNOWN_NAME}] unknown command {word[:100]!r}{meant}. What to do: ./segue help lists them all"


def version(root: Path) -> str:
    """Segue's version, of the workspace at `root`."""
    import xml.etree.ElementTree as ElementTree

    manifest = root / "src" / "segue_bringup" / "package.xml"
    return f"segue {ElementTree.parse(manifest).getroot().findtext('version')}"
