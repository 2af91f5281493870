"""What the methods share: encoders, normalisation, data, checkpoints, the training loop."""
