"""Install segue_data with colcon (ament_python)."""

from setuptools import find_packages, setup

NAME = "segue_data"

setup(
    name=NAME,
    version="0.1.0",
    packages=find_packages(exclude=["test", "test.*"]),
    package_data={"": ["py.typed", "*.yaml", "*.json", "*.html", "*.css", "*.js", "*.md", "*.safetensors"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + NAME]),
        ("share/" + NAME, ["package.xml"]),
    ],
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},  # `colcon test` runs pytest where this says so
    zip_safe=False,
    maintainer="Segue developers",
    maintainer_email="segue@example.org",
    description="Episodes as rosbag2 bags (MCAP), their conversion to LeRobotDataset v3, and checks of both.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "recorder = segue_data.node.recorder_node:main",
            "teleop = segue_data.node.teleop_node:main",
        ],
    },
)
