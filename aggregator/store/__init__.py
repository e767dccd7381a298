"""The database: what is known of sources, items, stories and published feeds, on disk and (for tests) in memory."""
