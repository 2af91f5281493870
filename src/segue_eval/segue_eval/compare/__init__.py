"""A/B from one bag: a recorded run replayed bit for bit, and its observations given to other continuations.

decode.py    messages of a bag as core types
recorded.py  a recorded run: what the scheduler was given, what it published, and how it was configured
cameras.py   what the policy was shown at a tick
verify.py    the recorded inputs through a new scheduler: the same commands, bit for bit?
rerun.py     scheduler and policy anew on the recorded observations, by method
summary.py, page.py, cli.py       what is printed and left behind
"""
