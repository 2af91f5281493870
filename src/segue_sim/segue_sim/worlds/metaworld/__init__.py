"""Meta-World (github.com/Farama-Foundation/Metaworld): fifty tasks of a Sawyer, as they are, tried in lockstep.

seed        MT1(TASK, seed=seed // 50).train_tasks[seed % 50]: the benchmark's own fifty places of each of its seeds
tick        one `env.step`: 5 steps of 2.5 ms, 80 Hz; 500 of them are an episode
success     `info["success"]` of any step so far, as its evaluation counts it
action      where the tool goes [m], and the gripper, 1 opening to 0 closing, with the effort that is between them
state       where the hand is [m], and how far the gripper is open, 0 to 1: the first four numbers of its observation
pictures    its cameras corner2 and topview, as its model has them
"""

from segue_sim.worlds.metaworld.family import create

__all__ = ["create"]
