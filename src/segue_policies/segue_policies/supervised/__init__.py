"""Settings, learner and policy of a method that is one network from an observation to a chunk."""
