"""Install segue_bringup with colcon (ament_python), with the top-level launch/ and config/ as its share."""

import os
from pathlib import Path

from setuptools import find_packages, setup

NAME = "segue_bringup"
HERE = Path(__file__).parent.resolve()
WORKSPACE = HERE.parent.parent


def shared_files(folder: str) -> list[tuple[str, list[str]]]:
    """Pairs (install folder, files) for everything below the workspace's `folder`, relative to this file."""
    found: dict[str, list[str]] = {}
    for path in sorted((WORKSPACE / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            target = Path("share") / NAME / path.parent.relative_to(WORKSPACE)
            found.setdefault(str(target), []).append(os.path.relpath(path, HERE))
    return sorted(found.items())


setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"": ["py.typed", "*.yaml", "*.json", "*.html", "*.css", "*.js", "*.md"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + NAME]),
        ("share/" + NAME, ["package.xml"]),
        *shared_files("launch"),
        *shared_files("config"),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},  # `colcon test` runs pytest where this says so
    zip_safe=False,
    maintainer="Segue developers",
    maintainer_email="segue@example.org",
    description="Configuration, launch files, the process supervisor and the segue command line.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "segue = segue_bringup.cli:entry",
        ],
    },
)
