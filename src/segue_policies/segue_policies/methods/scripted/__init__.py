"""The task's own expert as a policy, tried ahead of time in a replica of the simulated world."""
