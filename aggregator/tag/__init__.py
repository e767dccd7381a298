"""Tags and topics: the query language, the rules made of it, and what is read from a text itself (language, names, subjects)."""
