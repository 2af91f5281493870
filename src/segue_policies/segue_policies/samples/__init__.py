"""From demonstrations to batches."""
