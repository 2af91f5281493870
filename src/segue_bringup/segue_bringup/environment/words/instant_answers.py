"""What the `segue` script answers by itself, at once: its page, its version, and what is wrong with the words."""

import sys
from collections.abc import Sequence

from segue_bringup.environment.words.page import EXIT_USAGE, HELP, USAGE, VERBS, unknown_command, version
from segue_bringup.environment.workspace import Workspace


def answered(workspace: Workspace, words: Sequence[str]) -> int | None:
    """The exit status of what was answered; None for what commands must do."""
    if not words or (words[0] in HELP and set(words[1:]) <= set(HELP)):
        print(USAGE, end="")
        return 0
    if words[0] == "--version":
        print(version(workspace.root))
        return 0
    if words[0] in HELP:
        return _refused(unknown_command(words[1])) if words[1] not in VERBS else None
    if words[0] not in VERBS:
        return _refused(unknown_command(words[0]))
    from segue_bringup.environment.words.mistyped_words import refusal

    wrong = refusal(workspace, words)
    return _refused(wrong, "") if wrong else None


def _refused(text: str, who: str = "segue: ") -> int:
    print(f"{who}{text}", file=sys.stderr)
    return EXIT_USAGE
