"""What `scripted` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="scripted",
        policy="segue_policies.methods.scripted.policy:scripted",
        info="segue_policies.methods.scripted.policy:info",
        description="The scripted expert of the task, with the whole state of the simulator",
        checkpoint=False,
        privileged=True,
    ),
)
