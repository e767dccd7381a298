"""What a person decides on stories and threads."""
