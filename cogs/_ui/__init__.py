"""What several command groups show or read."""
