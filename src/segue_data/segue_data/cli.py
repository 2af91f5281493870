"""`segue data ...`: record, convert, check, show, label, export and repair; also `python -m segue_data.cli`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from segue_core.command_line import main as command_line
from segue_data.contracts import names
from segue_data.verbs import VERBS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; errors become one sentence and the status of docs/exit-codes.md."""
    return command_line.main(arguments, VERBS, names, "segue data", "finished episodes are kept")


if __name__ == "__main__":
    sys.exit(main())
