"""The words of the `segue` script: its page, what is wrong with them, what they may become. Imports almost nothing."""
