"""The store, behind the protocol in `bot.voices.store`."""
