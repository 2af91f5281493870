"""What the `segue` script's own commands take, read by the rules of all others, before anything is installed."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from segue_bringup.environment.workspace import Workspace

BUILDS: Final = ("any", "cpu", "cuda")
"""Of torch."""

SETTINGS: Final[Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]] = {
    "setup": {
        "torch": ("build of torch, else what the index gives", BUILDS),
        "torch_index": ("address of the package index to take torch from", ()),
    },
    "doctor": {"json": ("file to write the checks to as well", ())},
    "env": {},
}
"""By command: the name, help and choices of its settings."""

ABOUT: Final = {
    "setup": "Set up what is missing.",
    "doctor": "What is there, and what is missing.",
    "env": 'Print shell lines for the workspace\'s environment: eval "$(./segue env)"',
}


def rules(workspace: Workspace) -> None:
    """Make the rules of words importable where segue_core is not installed yet."""
    folder = str(workspace.root / "src" / "segue_core")
    if folder not in sys.path:
        sys.path.append(folder)


def given(workspace: Workspace, command: str, words: Sequence[str]) -> dict[str, str]:
    """Texts by setting.

    Raises:
        ConfigError: what is wrong with the words.
    """
    rules(workspace)
    from segue_core.command_line.checking import check
    from segue_core.command_line.setting import Setting
    from segue_core.command_line.spelling import spelled

    settings: list[Any] = [
        Setting(name, str, None, help_, choices=choices)
        for name, (help_, choices) in SETTINGS[command].items()
    ]
    texts = spelled(words, settings, f"segue {command}", lambda _: ())
    check(texts, settings, lambda _: ())
    return {name: values[-1] for name, values in texts.items()}


def _choices(choices: Sequence[str]) -> str:
    return f" [choices: {', '.join(choices)}]" if choices else ""


def help_text(command: str) -> str:
    """What `--help` prints."""
    shown = [
        f"  --{name.replace('_', '-'):<12} {help_}{_choices(choices)}"
        for name, (help_, choices) in SETTINGS[command].items()
    ]
    head = f"usage: ./segue {command}{' [SETTINGS]' if shown else ''}\n\n{ABOUT[command]}\n"
    return "\n".join([head, *shown]) + ("\n" if shown else "")
