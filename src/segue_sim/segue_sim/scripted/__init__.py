"""`policy:=scripted`: the task's expert as a policy that answers chunks, by trying them in a replica of the world.

It is privileged: the simulator tells it everything. It shows what a task looks like when done, and that the scheduler,
continuation, controllers, recording and reports work with it, on every robot and task with an expert.
"""
