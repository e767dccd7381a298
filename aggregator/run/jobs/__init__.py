"""What the daemon does beside polling, each in its rhythm."""
