"""Guidance of a sampler at inference, whatever the network."""
