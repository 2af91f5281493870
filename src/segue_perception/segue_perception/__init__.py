"""Cameras and joint states, brought together into observations."""
