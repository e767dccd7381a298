"""What is sent or told beside the stories: digests, health, notices, webhooks."""
