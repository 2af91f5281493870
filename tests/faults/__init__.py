"""What happens when things fail: the real graph in its own processes, a moving arm in MuJoCo, and a fault."""
