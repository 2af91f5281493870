"""What the hardware back ends do, without ROS, clocks or devices: checks, mappings, and motion between commands."""
