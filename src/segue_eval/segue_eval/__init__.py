"""Lockstep rollouts, metrics, tables, plots and reports."""
