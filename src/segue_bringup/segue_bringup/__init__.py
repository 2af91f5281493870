"""Configuration, launch files, the process supervisor and the segue command line."""
