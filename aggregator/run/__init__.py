"""The running process: the daemon with its schedule, and `aggregator poll` without one."""
