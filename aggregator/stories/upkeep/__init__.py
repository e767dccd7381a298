"""Keeps stored stories true to the config and to time."""
