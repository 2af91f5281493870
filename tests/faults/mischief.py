"""What a rogue policy does to its answers, and how it is told to.

The rogue (`rogue_policy`) sways until it hears a `Mischief` as JSON on the topic `TOLD` (KeyValue, which has room for a
text); it does it to its next `count` answers and says after each, on `DONE`, what it has done and how often.
"""

import json
from dataclasses import asdict, dataclass
from enum import Enum

TOLD, DONE = "tests/mischief", "tests/mischief_done"


class How(str, Enum):
    """What is done to an answer; `value` is that of the `Mischief`."""

    NOT_FINITE = "not_finite"  # value (NaN or Inf) as one number of the chunk, another one in each answer
    BEYOND = "beyond"  # every position and joint lies `value` beyond the upper bound of the action space
    TELEPORT = "teleport"  # positions jump by `value` [m], joints by twice as much [rad]
    HORIZON = "horizon"  # `value` rows
    WIDTH = "width"  # `value` columns more
    SIZE = "size"  # says one row more than it has
    START = "start"  # is one for a tick that lies `value` later
    FINGERPRINT = "fingerprint"  # of an action space with the same width and its channels in another order
    SPACE = "space"  # the name of another action space
    RATE = "rate"  # rows for `value` Hz
    SOURCE = "source"  # the name of another policy
    BEFORE = "before"  # the answer before, once more
    REPEAT = "repeat"  # is sent again, a thousand times a second for `value` seconds
    PART_NOT_FINITE = "part_not_finite"  # a third of the rows, then two thirds with NaN in the last of them
    PART_CHANGED = "part_changed"  # a third of the rows, then two thirds that all lie `value` beside them
    PART_OTHER = "part_other"  # a third of the rows as the answer to the next request
    PART_AFTER = "part_after"  # all rows, then a third of them
    PART_LAST = "part_last"  # a third of the rows, then an exception
    LATE = "late"  # comes `value` seconds of the run's clock later
    FIRST_LATE = "first_late"  # only the first one of a run comes so late
    FAIL = "fail"  # an exception in the inference
    HANG = "hang"  # the inference takes `value` seconds of the run's clock
    MEMORY = "memory"  # the inference asks for `value` bytes and may not have them
    EAT = "eat"  # the inference takes memory until the kernel ends it


@dataclass(frozen=True)
class Mischief:
    """Do it to the next `count` answers."""

    how: How
    count: int = 1
    value: float = 0.0

    def to_json(self) -> str:
        """For the wire."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Mischief":
        """From the wire."""
        given = json.loads(text)
        return cls(How(given["how"]), int(given["count"]), float(given["value"]))
