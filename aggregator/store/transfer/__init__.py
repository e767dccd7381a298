"""Copies a database into one of another kind, row by row, and compares both."""
