"""Choosing static values by measuring: candidates, checks, times, the store (L107, L110)."""
