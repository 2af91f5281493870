"""The scheduler as a ROS 2 node: everything here translates and keeps order; the decisions are `ChunkScheduler`'s."""
