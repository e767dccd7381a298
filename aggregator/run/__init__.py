"""The process: what the daemon and `poll` run, and when."""
