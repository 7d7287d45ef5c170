"""A server's rules: what moderators decided, and who meets it."""
