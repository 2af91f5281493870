"""Install segue_control with colcon (ament_python)."""

from setuptools import find_packages, setup

NAME = "segue_control"

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
    description="Kinematics, command interpolation, the safety guard and the arm and gripper controllers.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "controller = segue_control.node.controller_node:main",
            "hardware = segue_control.node.hardware_node:main",
            "mover = segue_control.node.move_node:main",
        ],
    },
)
