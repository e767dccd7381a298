"""Hooks: how they are asked, and what is taken from their answers."""
