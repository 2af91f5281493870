"""Progress of a task in [0, 1]: who estimates it, when it ends a task, how good it is, how far it is to be trusted."""
