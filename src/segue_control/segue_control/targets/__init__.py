"""From one target per tick to a smooth joint path."""
