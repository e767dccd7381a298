"""Which ids readers know, after a restore."""
