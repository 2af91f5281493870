"""Episodes as rosbag2 bags, datasets as LeRobotDataset v3.0, and the way from one to the other."""
