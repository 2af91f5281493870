"""Teleoperation: a person's gamepad, keyboard or leader arm as one more source of `/segue/command`."""
