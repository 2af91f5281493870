"""The robot as numbers: its MuJoCo model, kinematics, dynamics, limits and poses."""
