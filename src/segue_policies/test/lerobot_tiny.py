"""LeRobot's server, in its own interpreter, for networks of pi0 and pi0.5 that are made small: `KIND ...`."""

import sys
from importlib import import_module
from pathlib import Path

from lerobot_flows import shrink

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1] / "segue_policies" / "methods" / "lerobot"))
    shrink(sys.argv[1])
    sys.exit(import_module("lerobot_server.serving").main(sys.argv[2:]))
