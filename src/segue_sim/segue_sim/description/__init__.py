"""What a robot is, for tools: its URDF, its frames, and what RViz and Foxglove should show of it."""
