"""The long fuzz: `./segue test --fuzz [N]`, with a seed that is printed; without it a short choice with a fixed one."""

import random
from typing import Any

import pytest

from . import campaign
from .readers import READERS

_TOLD = pytest.StashKey[str]()
SHORT, SEED = 10, 1  # inputs of each reader in the daily tests


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, help="damaged inputs in all, about")
    parser.addoption("--fuzz-seed", type=int, help="of the inputs; printed, for a run that is to be repeated")


@pytest.fixture(scope="session")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, campaign.Result]:
    """What came of every reader that a test asks for."""
    wanted = request.config.getoption("--fuzz", default=None)
    asked = [
        item.callspec.params["reader"]
        for item in request.session.items
        if "results" in getattr(item, "fixturenames", ())
    ]
    readers = [name for name in READERS if name in asked]
    inputs = SHORT if wanted is None else max(1, -(-wanted // len(READERS)))
    seed = request.config.getoption("--fuzz-seed", default=None)
    seed = seed if seed is not None else SEED if wanted is None else random.SystemRandom().randrange(2**32)
    found = campaign.run(readers, inputs, seed, tmp_path_factory.mktemp("fuzz"))
    request.config.stash[_TOLD] = f"{campaign.table(list(found.values()))}\nagain: --fuzz-seed={seed}"
    return found


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--fuzz", default=None) is not None:
        terminalreporter.write_line(config.stash.get(_TOLD, ""))
