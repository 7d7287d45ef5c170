"""The store: its protocol and the embedded implementation."""
