"""The chunk scheduler: when to ask for a chunk, how it continues the last one, and when the task is over."""
