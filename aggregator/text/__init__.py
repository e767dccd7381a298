"""What is known of texts and addresses alone: no settings, no store, no stage."""
