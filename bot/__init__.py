"""The program: starts, wires, speaks to Discord; owns no command."""
