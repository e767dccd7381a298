"""What the daemon tells of itself: conditions of health, readiness, status, metrics."""
