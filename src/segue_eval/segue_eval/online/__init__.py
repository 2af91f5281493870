"""Learning from a policy's own episodes: roll out, learn, round by round."""
