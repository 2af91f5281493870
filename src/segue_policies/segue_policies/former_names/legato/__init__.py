"""Legato by the name of its paper: a public path into `flow/`, where all flow policies are."""
