"""Voices, clips and consents as they are recorded."""
