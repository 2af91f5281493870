"""LingBot-VA: a causal video-action world model as a policy."""
