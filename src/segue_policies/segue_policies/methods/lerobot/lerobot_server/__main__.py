"""`python lerobot_server ...`, from any folder: this one becomes a package, its siblings do not become modules."""

import importlib
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path[0] = str(here.parent)
version = importlib.import_module(f"{here.name}.version")
if problem := version.problem(version.installed()):
    sys.exit(problem)
if sys.argv[1:] == ["--version"]:
    print(f"{version.installed()}{version.untested(version.installed())}")
    sys.exit()
serving = importlib.import_module(f"{here.name}.serving")
del sys.path[0]
sys.exit(serving.main())
