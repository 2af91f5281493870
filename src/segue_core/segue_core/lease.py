"""The lease of a goal: who wants the robot to move must go on wanting it. Pure; the caller brings the time."""


class Lease:
    """A running goal's promise that its client is still there.

    A client that has renewed once must go on renewing; one that never does is not held to it (`ros2 action send_goal`
    cannot renew) unless the lease is `required`.
    """

    def __init__(self, duration_s: float, required: bool, now_s: float) -> None:
        self.duration_s, self._looked_s = duration_s, now_s
        self._renewed_s = now_s if required else None

    def renew(self, now_s: float) -> None:
        """The client is there."""
        self._renewed_s = now_s

    def expired(self, now_s: float) -> bool:
        """Whether the client has been silent for too long, on the steady clock; ask it at every tick.

        Who did not look for so long (a process that stood still) cannot tell: the client gets that time back.
        """
        unseen_s, self._looked_s = now_s - self._looked_s, now_s
        if self._renewed_s is not None and unseen_s > self.duration_s:
            self._renewed_s += unseen_s
        return self._renewed_s is not None and now_s - self._renewed_s > self.duration_s
