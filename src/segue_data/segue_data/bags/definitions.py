"""Message definitions of a bag: the ROS 2 standard set plus our own `segue_interfaces`, without rclpy.

The texts of our `.msg` files are the only source, so a bag written here carries the same type hashes as
one written by a live node (`rosbags` computes RIHS01 from the text).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from segue_data.errors import missing

PACKAGE = "segue_interfaces"


def _candidates() -> list[Path]:
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    installed = [prefix / "share" / PACKAGE / "msg" for prefix in prefixes]
    here = Path(__file__).resolve()
    in_tree = [parent / PACKAGE / "msg" for parent in here.parents]
    beside = [parent / "share" / PACKAGE / "msg" for parent in here.parents]
    merged = [parent / PACKAGE / "share" / PACKAGE / "msg" for parent in here.parents]
    return in_tree + installed + beside + merged


def definitions_folder() -> Path:
    """Folder with the `.msg` files of `segue_interfaces`: the source tree first, then an installed share.

    Raises:
        DataError: neither is there; the message lists what was tried.
    """
    tried = _candidates()
    for folder in tried:
        if any(folder.glob("*.msg")):
            return folder
    raise missing(
        f"message definitions of {PACKAGE}",
        f"not found in any of {', '.join(map(str, tried))}; build the workspace or source install/setup.bash",
    )


@cache
def typestore() -> Typestore:
    """Types known to every bag of this project (shared, do not register more into it)."""
    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for path in sorted(definitions_folder().glob("*.msg")):
        types.update(get_types_from_msg(path.read_text(encoding="utf-8"), f"{PACKAGE}/msg/{path.stem}"))
    store.register(types)
    return store


@cache
def recorded_types(definitions: tuple[tuple[str, str], ...]) -> Typestore:
    """Types as a bag itself defines them, `(type name, text with everything it needs)`; one store per set.

    A recording is read by the definitions of its day, so that a message may gain a field without losing old bags.
    """
    types: dict[str, Any] = {}
    for name, text in definitions:
        types.update(get_types_from_msg(text, name))
    store = get_typestore(Stores.EMPTY)
    store.register(types)
    return store
