"""Which seeds mean what. A number reported for a seed range is only worth something if training never saw it.

0 ............. 9999     evaluation; reported numbers use TEST_SEEDS
20000 ........ 29999     validation: choosing checkpoints and hyper-parameters
100000 ............      training demonstrations
"""

from __future__ import annotations

from segue_core.command_line.judges import parse_seeds as parse_seeds

EVALUATION_SEEDS = range(10_000)
TEST_SEEDS = range(1_000, 1_050)
VALIDATION_SEEDS = range(20_000, 30_000)
FIRST_TRAINING_SEED = 100_000
