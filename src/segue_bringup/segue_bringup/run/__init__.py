"""`segue run`: one episode, from the checks before anything starts to the report after everything has stopped."""
