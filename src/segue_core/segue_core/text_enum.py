"""A string enumeration that prints as its value on every supported Python (``enum.StrEnum`` needs 3.11)."""

from enum import Enum


class TextEnum(str, Enum):
    """Members compare equal to, and print as, their string value."""

    def __str__(self) -> str:
        return str(self.value)
