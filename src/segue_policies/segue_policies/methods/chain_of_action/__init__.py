"""Chain-of-Action: trajectories decoded backward from a keyframe."""
