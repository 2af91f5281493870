"""Training speed of ACT here and in LeRobot, each in a process of its own, told by lines when to run."""
