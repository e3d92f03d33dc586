"""Quality of the data of a segment: counts, silence, clocks, spreads, books and basis."""

from quantlaxmi.data_quality.figures import (
    BPS_EXPONENT,
    SHARES,
    STALE_NS,
    DepthQuality,
    InstrumentQuality,
    KindQuality,
    PairQuality,
    Quantiles,
    SegmentQuality,
)
from quantlaxmi.data_quality.measure import quantiles, segment_quality

__all__ = [
    "BPS_EXPONENT",
    "SHARES",
    "STALE_NS",
    "DepthQuality",
    "InstrumentQuality",
    "KindQuality",
    "PairQuality",
    "Quantiles",
    "SegmentQuality",
    "quantiles",
    "segment_quality",
]
