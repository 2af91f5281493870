"""Images and joint states synchronised into one observation per control tick."""
