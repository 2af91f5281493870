"""What `sway` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="sway",
        policy="segue_policies.methods.sway.policy:SwayPolicy",
        description="Moves every tool, or every joint, to and fro",
        checkpoint=False,
    ),
)
