"""What every Segue node shares. Nothing here decides anything; it translates and keeps order."""
