"""Names of arrays by what they hold; shapes and units are said where they are used."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Double precision: what is measured, computed and commanded."""

Floats32 = NDArray[np.float32]
"""Single precision: what networks, messages and datasets hold."""

Rgb = NDArray[np.uint8]
"""A picture (h, w, 3), or several (..., h, w, 3)."""
