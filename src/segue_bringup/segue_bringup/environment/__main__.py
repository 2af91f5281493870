"""Entry of the `segue` script: `python -m segue_bringup.environment ...`."""

import sys

from segue_bringup.environment.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
