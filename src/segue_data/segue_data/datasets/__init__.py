"""LeRobotDataset v3.0: from bags, as training reads it, and back."""
