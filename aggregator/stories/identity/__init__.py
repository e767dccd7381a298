"""Whose entry it is, and whether it is known."""
