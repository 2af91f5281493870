"""An episode to look at: pictures, Foxglove, Rerun, RViz."""
