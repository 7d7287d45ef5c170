"""Inspection of samples: checks that a file is a usable MP3 and measures it."""
