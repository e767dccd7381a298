"""Tells people in chats, by mail and by push services: when, how much at once, and from which process."""
