"""Plain flow matching (arXiv 2210.02747; Legato Eq. 1-2): no guidance in training, hence ready for any at inference.

X_t = (1 - t) eps + t A,      u = A - eps
"""

from __future__ import annotations

from segue_policies.methods.flow.variant import Variant


class Flow(Variant):
    """Serves plain sampling, gradient guidance (`rtc`) and rejection sampling (`bidirectional`)."""

    name = "flow"
