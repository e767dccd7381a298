"""Polls: which sources are due, who is asked next, requests for polls, what other nodes have read, outages."""
