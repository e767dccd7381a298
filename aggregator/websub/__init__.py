"""WebSub (W3C Recommendation), both sides: our own hub, and the subscriber to the hubs of sources."""
