"""Demonstrations while they are recorded."""
