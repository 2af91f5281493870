"""The motors of the simulated arms: told positions, velocities or torques, as a real robot's are.

told         what happens at every physics step
positions    tau = kp (q_told - q) - kd q'                        the servo of the contract's gains
velocities   tau = kp (x - q) + kd (v - q'),   x = x + v dt       x is never further from q than full torque
torques      tau
nothing      velocities end, torques give way to the servo where the joint is: a robot that brakes by itself
"""

from dataclasses import dataclass
from itertools import chain

import mujoco
import numpy as np

from segue_core.arrays import Floats
from segue_core.contracts.robot import RobotConfig


@dataclass(frozen=True)
class DriveState:
    """What the drives remember between physics steps: `velocities` (n,) and where their servo `target` (n,) is."""

    velocities: Floats | None = None
    target: Floats | None = None
    torque: bool = False


class Drives:
    """Arm motors of one world. Not thread safe; owns the arms' controls and actuator gains."""

    def __init__(self, model: mujoco.MjModel, robot: RobotConfig) -> None:
        self._model = model
        self._ids = np.array([model.actuator(name).id for name in robot.joint_names])
        self._qpos = np.array([model.joint(name).qposadr[0] for name in robot.joint_names])
        self._gain, self._bias = model.actuator_gainprm[self._ids], model.actuator_biasprm[self._ids]
        torque = np.array(list(chain.from_iterable(arm.torque_n_m for arm in robot.arms)))
        self._windup = torque / self._gain[:, 0]  # a servo this far from its target gives all it has
        self._lead_s = -self._bias[:, 2] / self._gain[:, 0]  # kd / kp
        self.state = DriveState()

    def follow(
        self, data: mujoco.MjData, positions: Floats, velocities: Floats | None, efforts: Floats | None
    ) -> None:
        """Takes a command (n,): torques if there are any, else velocities, else positions."""
        if efforts is not None:
            self.restore(DriveState(torque=True))
            data.ctrl[self._ids] = efforts
        elif velocities is not None:
            target = data.qpos[self._qpos] if self.state.target is None else self.state.target
            self.restore(DriveState(velocities, target))
        else:
            self.restore(DriveState())
            data.ctrl[self._ids] = positions

    def hold(self, data: mujoco.MjData) -> None:
        """Nobody commands: stay."""
        if self.state.velocities is not None and self.state.target is not None:
            data.ctrl[self._ids] = self.state.target
        if self.state.torque:
            data.ctrl[self._ids] = data.qpos[self._qpos]
        self.restore(DriveState())

    def restore(self, state: DriveState) -> None:
        """Goes to a state that was one of these drives."""
        if state.torque is not self.state.torque:
            self._model.actuator_gainprm[self._ids] = _UNIT_GAIN if state.torque else self._gain
            self._model.actuator_biasprm[self._ids] = 0.0 if state.torque else self._bias
        self.state = state

    def run(self, data: mujoco.MjData, dt: float) -> None:
        """What the drives do in one physics step of `dt` seconds, before it."""
        velocities, target = self.state.velocities, self.state.target
        if velocities is None or target is None:
            return
        q = data.qpos[self._qpos]
        target = np.clip(target + velocities * dt, q - self._windup, q + self._windup)
        self.state = DriveState(velocities, target)
        data.ctrl[self._ids] = target + self._lead_s * velocities


_UNIT_GAIN = np.eye(1, 10)[0]  # gain 1, nothing else
