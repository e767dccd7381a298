"""Grouping: which story an item belongs to, and which item leads it. Decisions come with their evidence."""
