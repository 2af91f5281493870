"""`segue train`."""
