"""Hooks (`enrich:`): how a program or an address is asked about a story, and what is taken from its answer."""
