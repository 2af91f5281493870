"""Legato: flow policy with native continuation (arXiv 2602.12978)."""
