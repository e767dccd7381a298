"""What several nodes share: sources are claimed, documents handed over, and what is published announced."""
