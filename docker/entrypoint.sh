#!/usr/bin/env bash
# ROS 2 and the workspace, then the command.
set -e
source /opt/segue/install/setup.bash
exec "$@"
