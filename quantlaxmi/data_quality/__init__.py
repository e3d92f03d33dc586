"""Quality of the data of a segment: counts, silence, clocks, spreads, books and basis."""

from quantlaxmi.data_quality.figures import (
    BPS_EXPONENT,
    SHARES,
    STALE_NS,
    DepthQuality,
    ExpiryQuality,
    InstrumentQuality,
    KindQuality,
    PairQuality,
    Quantiles,
    SegmentQuality,
    SnapshotQuality,
)
from quantlaxmi.data_quality.measure import segment_quality
from quantlaxmi.data_quality.quantile import quantiles

__all__ = [
    "BPS_EXPONENT",
    "SHARES",
    "STALE_NS",
    "DepthQuality",
    "ExpiryQuality",
    "InstrumentQuality",
    "KindQuality",
    "PairQuality",
    "Quantiles",
    "SegmentQuality",
    "SnapshotQuality",
    "quantiles",
    "segment_quality",
]
