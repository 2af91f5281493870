"""A benchmark that takes seconds: a point passes an obstacle on either side, and a new chunk may change its mind.

                     ___
              .-----'   '-----.
    start ----<     ( )       >---- goal         up to the fork nothing in the observation says which way
              '-----.___.-----'

world.py        space, demonstrations, the body that moves
training.py     one small network per variant, the real losses
benchmark.py    every continuation through the real scheduler: switches, overlap RMSE, success
__main__.py     python -m segue_eval.synthetic

What is small is the network and the world; scheduler, samplers, variants and rollout are those of the robot.
"""
