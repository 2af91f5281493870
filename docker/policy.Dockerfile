# The GPU box: one policy behind the PredictChunk action. CUDA comes with torch, the driver from the host.
FROM ros:kilted-ros-base-noble
WORKDIR /opt/segue

# Versions are those of the pinned distribution.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv "ros-$ROS_DISTRO-rmw-zenoh-cpp" \
 && rm -rf /var/lib/apt/lists/*

# Package index to take torch from, for a chosen CPU or CUDA build; empty: what pip gives by default.
ARG TORCH_INDEX=""
COPY requirements/ requirements/
RUN python3 -m venv --system-site-packages /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r requirements/torch.txt \
 && /opt/venv/bin/pip install --no-cache-dir -r requirements/ros.txt

# The GPU box shows no robot and simulates none.
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
RUN useradd --create-home --uid 10001 segue
USER 10001
WORKDIR /home/segue
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "segue_bringup", "policy.launch.py"]
