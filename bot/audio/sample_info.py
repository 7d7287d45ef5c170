"""What decoding a sample measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleInfo:
    """What decoding a sample found: seconds, hertz, bits a second, levels in dBFS (0 is full scale)."""

    duration: float
    codec: str
    sample_rate: int
    channels: int
    bit_rate: int
    peak: float
    rms: float
