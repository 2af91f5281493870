"""A robot to rehearse `sim:=none` with: MuJoCo's physics behind the topics of ros2_control, in a process of its own."""
