"""Keys of the random streams: one for each seed, segment, configuration and gate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.given import whole

__all__ = ["check_seed", "gate_seed", "stream_key"]

_SEED_DOMAIN = b"quantlaxmi.gate-seed.v1\0"
_DOMAIN = b"quantlaxmi.gate-stream.v1\0"


def check_seed(seed: object) -> int:
    """The seed of all draws, where it is one.

    Raises
    ------
    ConfigError
        When it is no whole number from 0 to 2**63 - 1.
    """
    found = whole(seed)
    if found is None or not 0 <= found < 2**63:
        raise ConfigError("seed", f"was {shown(seed)}, expected a whole number, 0 to 2**63 - 1")
    return found


def gate_seed(segment_digest: bytes, config_hashes: Iterable[bytes], policy_hash: str) -> int:
    """The seed of a verdict: a hash of what is judged, so that nobody chooses it.

    Parameters
    ----------
    segment_digest : bytes
    config_hashes : iterable of bytes
        Hashes of the configurations that are searched, the run's own among them; their order and
        repetitions do not matter.
    policy_hash : str
        Hexadecimal; of all that draws depend on, `Thresholds.draws_hash`.

    Returns
    -------
    int
        63 bits of a SHA-256 over the length-prefixed parts.

    Examples
    --------
    >>> gate_seed(b"a", [b"b", b"c"], "00") == gate_seed(b"a", [b"c", b"b", b"b"], "00")
    True
    """
    parts = (segment_digest, bytes.fromhex(policy_hash), *sorted(set(config_hashes)))
    packed = b"".join(len(p).to_bytes(4, "little") + p for p in parts)
    digest = hashlib.sha256(_SEED_DOMAIN + packed).digest()
    return int.from_bytes(digest[:8], "little") >> 1


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
        When the seed is none.
    """
    parts = (
        check_seed(seed).to_bytes(8, "little"),
        segment_digest,
        config_hash,
        gate.encode(),
    )
    packed = b"".join(len(p).to_bytes(4, "little") + p for p in parts)
    return int.from_bytes(hashlib.sha256(_DOMAIN + packed).digest()[:8], "little")
