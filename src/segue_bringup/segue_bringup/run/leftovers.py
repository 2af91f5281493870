"""Whether a run leaves behind what it was asked for, as an exit status."""

from pathlib import Path

from segue_bringup.environment.conditions import room
from segue_core.errors import DataError
from segue_core.exit_status import ExitStatus


def spoiled(status: ExitStatus, trouble: ExitStatus) -> ExitStatus:
    """`status` of a run whose leftovers had `trouble` (SUCCESS: none), which a fault of the run itself hides."""
    hidden = status not in (ExitStatus.SUCCESS, ExitStatus.TASK_FAILED)
    return status if hidden or trouble == ExitStatus.SUCCESS else trouble


def recording_status(bag: str, folder: Path) -> ExitStatus:
    """SUCCESS when `bag` is there and whole; else what is at fault: the disk of the run's folder, or the data."""
    if bag and _is_whole(Path(bag)):
        return ExitStatus.SUCCESS
    return ExitStatus.ENVIRONMENT if room(folder) else ExitStatus.DATA


def _is_whole(bag: Path) -> bool:
    from segue_data.bags.manifest import load

    try:
        return load(bag).complete
    except DataError:  # it was never closed: there is no manifest, or none that can be read
        return False
