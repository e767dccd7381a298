"""What an entry of any format or page shows."""
