"""The slash commands, one package each. `_ui` has what they share."""
