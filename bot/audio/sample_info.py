"""The measurements of a sample."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleInfo:
    """`duration` is in seconds, `sample_rate` in Hz, `bit_rate` in bit/s, `peak` and `rms` in dBFS."""

    duration: float
    codec: str
    sample_rate: int
    channels: int
    bit_rate: int
    peak: float
    rms: float
