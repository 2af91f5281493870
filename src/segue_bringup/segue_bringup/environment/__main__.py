"""Entry of the `segue` script: `python -m segue_bringup.environment ...`."""

import sys

from segue_bringup.environment import endings


def main(words: list[str]) -> int:
    """The exit status of what the words ask for."""
    from segue_bringup.environment.words.instant_answers import answered
    from segue_bringup.environment.workspace import Workspace

    status = answered(Workspace.of_this_file(), words)
    if status is not None:
        return status
    from segue_bringup.environment import commands

    return commands.main(words)


def _work() -> int:
    return main(sys.argv[1:])


if __name__ == "__main__":
    endings.begin()
    sys.exit(endings.finish(_work))
