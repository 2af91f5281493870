"""Free space on the disk of a recording: one limit for who starts it, who writes it and who judges how it went."""

from typing import Final

RECORDING_MB: Final = 500  # to begin a recording; one that runs is closed below half of it
