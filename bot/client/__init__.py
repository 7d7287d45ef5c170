"""The Discord client and everything that sends messages outside of an interaction's reply."""
