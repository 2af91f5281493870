"""A ROS domain for every test: what one leaves behind, such as a farewell that was lost, is not seen by the next."""

import os
from itertools import count

_TAKEN = count()


def own_domain() -> int:
    """A domain that this process has not used lately."""
    return 100 + (os.getpid() + next(_TAKEN)) % 100
