"""Exporting and erasing everything that is stored about a member."""
