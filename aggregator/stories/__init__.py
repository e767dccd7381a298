"""Entries become items, items become stories: identity, outlets, and what keeps stories true."""
