"""Install segue_policies with colcon (ament_python)."""

from setuptools import find_packages, setup

NAME = "segue_policies"

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
    description="Action-chunk policies, one folder per method, their training and their ROS 2 nodes.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "policy = segue_policies.node.policy:main",
            "progress = segue_policies.node.progress:main",
        ],
    },
)
