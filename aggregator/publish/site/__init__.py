"""The published files: their names, who owns them, where they moved from."""
