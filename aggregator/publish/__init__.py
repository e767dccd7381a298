"""Turns stories into feeds: picks each story's feeds and writes documents in three formats. Requests never render a feed."""
