"""Version 1's names of modules that others import: `segue_policies.legato.flow` is found in here."""
