# The Zenoh router that each machine runs once; used by compose.zenoh.yaml only.
FROM ros:kilted-ros-base-noble

# Versions are those of the pinned distribution.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends "ros-$ROS_DISTRO-rmw-zenoh-cpp" \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 10001 segue
USER 10001
WORKDIR /home/segue
CMD ["ros2", "run", "rmw_zenoh_cpp", "rmw_zenohd"]
