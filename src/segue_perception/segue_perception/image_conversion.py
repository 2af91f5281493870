"""Pictures of any camera driver as RGB arrays: by our own code, and by cv_bridge for formats it does not know.

cv_bridge knows every Bayer and YUV format that drivers send. The package of the same name on PyPI is another
program, which cannot convert depth nor run with NumPy 2: it is recognised by its missing compiled part and
not used.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from segue_core.errors import ErrorCode, PerceptionError
from segue_ros import images

Converter = Callable[[Image], NDArray[np.uint8]]


def _real_cv_bridge() -> bool:
    if importlib.util.find_spec("cv_bridge") is None:
        return False
    return importlib.util.find_spec("cv_bridge.boost") is not None


def _by_cv_bridge() -> Converter:
    from cv_bridge import CvBridge, CvBridgeError

    bridge = CvBridge()

    def convert(message: Image) -> NDArray[np.uint8]:
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, "rgb8"), dtype=np.uint8)
        except (CvBridgeError, TypeError, ValueError) as error:
            raise PerceptionError(
                ErrorCode.FRAME_ENCODING, f"cv_bridge: {error}", got=message.encoding
            ) from error

    return convert


def rgb_converter() -> Converter:
    """A function from sensor_msgs/Image to RGB (h, w, 3) that raises PerceptionError when it cannot.

    Encodings that we convert ourselves never go through cv_bridge, so that a picture is the same on every
    machine.
    """
    if not _real_cv_bridge():
        return images.to_rgb
    fallback = _by_cv_bridge()
    return lambda message: (images.to_rgb if message.encoding in images.ENCODINGS else fallback)(message)
