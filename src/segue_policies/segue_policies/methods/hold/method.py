"""What `hold` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="hold",
        policy="segue_policies.methods.hold.policy:HoldPolicy",
        description="Holds the measured pose",
        checkpoint=False,
    ),
)
