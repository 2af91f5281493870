"""`segue learn`: from a task to a policy that has been evaluated, in one command and a given time."""
