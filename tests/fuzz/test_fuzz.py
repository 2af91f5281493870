"""Whatever is read is right, or refused with an error of Segue's own that says where.

No other exception, no hang, no end of memory; nothing is executed, written elsewhere, or accepted although schema or
physics forbid it.
"""

import pytest

from .campaign import Result
from .readers import READERS

pytestmark = pytest.mark.timeout(6 * 3600)


@pytest.mark.parametrize("reader", READERS)
def test_damaged_input_is_right_or_refused(reader: str, results: dict[str, Result]) -> None:
    found = results[reader]
    if found.failure:
        pytest.fail(found.failure, pytrace=False)
    assert found.inputs > 0
