"""What the bot knows, without Discord."""
