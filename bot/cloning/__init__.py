"""From a member's request to a recorded voice."""
