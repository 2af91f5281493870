"""Action-chunk policies: one folder per method, what they share in `common`."""
