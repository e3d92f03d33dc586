"""Keys of the random streams: one for each seed, segment, configuration and gate."""

from __future__ import annotations

import hashlib

from quantlaxmi.errors import ConfigError

__all__ = ["stream_key"]

_DOMAIN = b"quantlaxmi.gate-stream.v1\0"


def stream_key(seed: int, segment_digest: bytes, config_hash: bytes, gate: str) -> int:
    """The 64-bit key under which a gate's draws are numbered.

    Parameters
    ----------
    seed : int
        From 0 to 2**63 - 1.
    segment_digest : bytes
    config_hash : bytes
        Hash of the strategy's configuration.
    gate : str
        Name of the gate's stream.

    Returns
    -------
    int
        First eight bytes, little-endian, of a SHA-256 over the length-prefixed parts.

    Raises
    ------
    ConfigError
        When the seed is out of range.
    """
    if not 0 <= seed < 2**63:
        raise ConfigError("--seed", f"was {seed}, expected 0 to 2**63 - 1")
    parts = (
        seed.to_bytes(8, "little"),
        segment_digest,
        config_hash,
        gate.encode(),
    )
    packed = b"".join(len(p).to_bytes(4, "little") + p for p in parts)
    return int.from_bytes(hashlib.sha256(_DOMAIN + packed).digest()[:8], "little")
