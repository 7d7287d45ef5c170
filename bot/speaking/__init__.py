"""From a member's text to a clip."""
