"""All readers, by name; each is made in a folder of its own, which holds what it damages."""

from collections.abc import Callable, Mapping
from pathlib import Path

from .bags import BAGS
from .checkpoints import CHECKPOINTS
from .configs import CONFIGS
from .datasets import DATASETS
from .nodes import NODES
from .reader import Reader
from .written import WRITTEN

READERS: Mapping[str, Callable[[Path], Reader]] = {
    **CONFIGS,
    **CHECKPOINTS,
    **BAGS,
    **DATASETS,
    **WRITTEN,
    **NODES,
}
