"""How many programs of a checkout run unchanged, and what stops the others."""
