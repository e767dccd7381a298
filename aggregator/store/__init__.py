"""The database in SQLite: sources, items, stories and published feeds."""
