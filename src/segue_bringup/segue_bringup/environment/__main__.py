"""Entry of the `segue` script: `python -m segue_bringup.environment ...`."""

import sys

from segue_bringup.environment import endings


def _work() -> int:
    from segue_bringup.environment.commands import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    endings.begin()
    sys.exit(endings.finish(_work))
