"""The demo: the bot with an offline Discord and an emulated API, which the tests use, too."""
