"""Legato's flow: mixture, path, target velocity and sampler (arXiv 2602.12978, Alg. 1, Eq. 6-16)."""

from segue_policies.methods.flow.path import interpolant as interpolant
from segue_policies.methods.flow.path import mixture as mixture
from segue_policies.methods.flow.path import sample as sample
from segue_policies.methods.flow.path import target_velocity as target_velocity
