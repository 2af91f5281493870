"""Set-up, `doctor`, `test` and the environment of child processes.

Standard library only, and Python 3.10 syntax: this runs before anything is installed.
"""
