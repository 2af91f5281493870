"""Any LeRobot checkpoint behind the policy protocol. LeRobot itself is optional, and imported when one is loaded."""
