import pytest

from segue_core.errors import ConfigError
from segue_eval.seeds import EVALUATION_SEEDS, FIRST_TRAINING_SEED, TEST_SEEDS, VALIDATION_SEEDS, parse_seeds


def test_the_end_of_a_seed_range_is_excluded() -> None:
    assert parse_seeds("1000:1003") == (1000, 1001, 1002)


def test_seeds_keep_the_written_order_and_never_repeat() -> None:
    assert parse_seeds("7, 3:6, 4") == (7, 3, 4, 5)


@pytest.mark.parametrize("text", ["", "a", "5:", "5:5", "5:2", "-3", "1:2:3", "1.5"])
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ConfigError, match="expected FIRST:END"):
        parse_seeds(text)


def test_reported_seeds_are_never_training_or_validation_seeds() -> None:
    assert set(TEST_SEEDS) <= set(EVALUATION_SEEDS)
    assert EVALUATION_SEEDS.stop <= VALIDATION_SEEDS.start and VALIDATION_SEEDS.stop <= FIRST_TRAINING_SEED
