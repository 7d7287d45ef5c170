"""The bot. The commands are in `cogs`."""
