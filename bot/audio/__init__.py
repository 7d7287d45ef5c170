"""From the bytes of a sample to its measurements, or a refusal."""
