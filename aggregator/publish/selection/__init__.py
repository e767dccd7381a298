"""Which feed shows which story, and in which order."""
