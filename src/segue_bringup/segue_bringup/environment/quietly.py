"""`python -m segue_bringup.environment.quietly MODULE ...`: a module as a program that Ctrl-C ends without a trace.

For programs that are started by a command of segue while it holds SIGINT; see `endings`.
"""

import runpy
import sys

from segue_bringup.environment import endings


def _work() -> int:
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    endings.begin()
    sys.exit(endings.finish(_work))
