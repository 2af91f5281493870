"""What `lerobot` is."""

from segue_policies.method import Method

METHODS = (
    Method(
        name="lerobot",
        policy="segue_policies.methods.lerobot.policy:LeRobotPolicy.deployed",
        info="segue_policies.methods.lerobot.contract:served",
        description="A checkpoint of LeRobot (ACT, Diffusion Policy, SmolVLA, pi0 ...), given as checkpoint:=FOLDER",
        recognises="segue_policies.methods.lerobot.contract:is_lerobot",
    ),
)
