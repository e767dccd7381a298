"""WebSub, both sides: the hub that we are, and the subscriber to sources' hubs."""
