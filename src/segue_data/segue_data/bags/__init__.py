"""Bags: written, read, repaired, and what is in them."""
