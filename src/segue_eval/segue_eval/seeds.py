"""Which seeds mean what. A number reported for a seed range is only worth something if training never saw it.

0 ............. 9999     evaluation; reported numbers use TEST_SEEDS
20000 ........ 29999     validation: choosing checkpoints and hyper-parameters
100000 ............      training demonstrations
"""

from __future__ import annotations

from segue_core.errors import ConfigError, ErrorCode

EVALUATION_SEEDS = range(10_000)
TEST_SEEDS = range(1_000, 1_050)
VALIDATION_SEEDS = range(20_000, 30_000)
FIRST_TRAINING_SEED = 100_000


def _part(text: str, whole: str) -> range:
    try:
        first, colon, last = text.partition(":")
        seeds = range(int(first), int(last) if colon else int(first) + 1)
    except ValueError:
        raise _refusal(whole) from None
    if len(seeds) == 0 or seeds.start < 0:
        raise _refusal(whole)
    return seeds


def _refusal(text: str) -> ConfigError:
    expected = "FIRST:END (END excluded), a number, or several joined by commas"
    return ConfigError(ErrorCode.CONFIG_INVALID_VALUE, "seeds", got=repr(text), expected=expected)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds in the order written, without repeats: `1000:1003,7` is (1000, 1001, 1002, 7).

    Raises ConfigError for anything else, an empty range or a negative seed.
    """
    seeds = [seed for part in text.split(",") for seed in _part(part.strip(), text)]
    return tuple(dict.fromkeys(seeds))


def role_of(seed: int) -> str:
    """`evaluation`, `validation`, `training` or `unassigned`: what the project uses this seed for."""
    if seed in EVALUATION_SEEDS:
        return "evaluation"
    if seed in VALIDATION_SEEDS:
        return "validation"
    return "training" if seed >= FIRST_TRAINING_SEED else "unassigned"
