"""The measurements of a sample."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleInfo:
    """`duration` is in seconds, `sample_rate` in Hz, `bit_rate` in bit/s, `peak` and `rms` in dBFS.

    `missing` is how many seconds the file should be longer by its own header.
    """

    duration: float
    codec: str
    sample_rate: int
    channels: int
    bit_rate: int
    peak: float
    rms: float
    missing: float = 0.0
