"""The embedded store: small TinyDB files."""
