"""The chunk scheduler: when to ask a policy for the next chunk, how it continues the one being executed, and when the task is over."""
