"""Reports, cases and moderators' decisions."""
