"""How a run can end, in one vocabulary: `outcome` in result.json, the terminal's first line, the report's badge."""

from dataclasses import dataclass
from typing import Final, Literal

from segue_core.errors import unknown_name

Mood = Literal["good", "warn", "bad"]


@dataclass(frozen=True)
class EndingWord:
    """One way to end.

    Args:
        word: what scripts read and people see.
        mood: how it looks.
        meaning: one sentence, without its full stop.
    """

    word: str
    mood: Mood
    meaning: str


_ALL: Final = (
    EndingWord("success", "good", "the task succeeded"),
    EndingWord("failure", "bad", "the task did not succeed"),
    EndingWord("error", "bad", "a fault ended the run"),
    EndingWord("cancelled", "warn", "the goal was cancelled, and the robot stopped"),
    EndingWord("interrupted", "warn", "Ctrl-C or a signal ended the run; the arm was stopped first"),
    EndingWord("timeout", "warn", "not finished within --timeout; the arm was stopped first"),
    EndingWord("reader_gone", "warn", "whoever read the output has quit; the arm was stopped first"),
    EndingWord("none", "bad", "the run came to no result"),
    EndingWord("unfinished", "warn", "the recording ends before the run does"),
)
ENDING_WORDS: Final = {ending.word: ending for ending in _ALL}


def ending_word(word: str) -> EndingWord:
    """The entry of a word; ConfigError, with the nearest, for one that is not in the vocabulary."""
    if word not in ENDING_WORDS:
        raise unknown_name("outcome", word, ENDING_WORDS)
    return ENDING_WORDS[word]


def word_of(success: bool, rule: str, faulty: bool) -> str:
    """The word for what a recording tells: whether it succeeded, by which rule (empty: none), and by a fault."""
    if not rule:
        return "unfinished"
    return "success" if success else "error" if faulty else "failure"
