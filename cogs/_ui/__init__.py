"""User interface that several command groups share."""
