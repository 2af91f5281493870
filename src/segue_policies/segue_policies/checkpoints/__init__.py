"""Checkpoints on disk, and their README."""
