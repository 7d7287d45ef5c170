"""The slash commands, one file each; a leading underscore means that a file is no command."""
