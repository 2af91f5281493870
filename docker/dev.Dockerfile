# A place to develop: ROS 2 and what the packages declare. The workspace is mounted, ./segue does the rest.
FROM ros:kilted-ros-base-noble


# Versions are those of the pinned distribution.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends git libegl1 libgl1 python3-venv \
 && rm -rf /var/lib/apt/lists/*

COPY src/ /tmp/src/
RUN apt-get update \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths /tmp/src --ignore-src -y \
 && rm -rf /var/lib/apt/lists/* /tmp/src

# Your own number on the host (id -u), so that files in the mounted workspace stay yours.
ARG USER_ID=1000
RUN if owner="$(id -nu "$USER_ID" 2>/dev/null)"; then userdel --remove "$owner"; fi \
 && useradd --no-log-init --create-home --uid "$USER_ID" --shell /bin/bash segue
USER ${USER_ID}
WORKDIR /workspace
CMD ["bash"]
