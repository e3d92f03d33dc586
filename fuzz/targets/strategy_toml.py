"""Strategy settings from TOML and from ``--set`` texts."""

from __future__ import annotations

import shlex

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.strategies.basis_capture import BasisCaptureConfig

ALLOWED = (ConfigError,)
SEEDS = (
    b"threshold_bps = 5\nexit_threshold_bps = 4.5\ncooldown_ms = 100\n",
    b'threshold_bps = "7.25"\nexit_threshold_bps = 0.1e1\nposition_size = 0.01\n',
    b"".join(
        f"{name} = {value!r}\n".encode() for name, value in BasisCaptureConfig().as_texts().items()
    ),
)
SETS = ("threshold_bps=4.5", "cooldown_ms=0 threshold_bps=1e1", "position_size=0.01", "a='b c'")


def one(draw: Draw) -> None:
    sets = []
    for _ in range(draw.number(3)):
        text = edit_bytes(draw, draw.pick(SETS).encode(), WORDS, 2)
        sets.append(text.decode(errors="replace"))
    path = scratch.file("strategy.toml", edit_toml(draw, draw.pick(SEEDS)))
    config = BasisCaptureConfig.load(path if draw.number(4) else None, sets)
    # Quoted, or a text with a space in it would be two settings and refused: allowed, and unseen.
    texts = [shlex.quote(f"{name}={value}") for name, value in config.as_texts().items()]
    _held(texts, config)


def _held(texts: list[str], config: BasisCaptureConfig) -> None:
    try:
        again = BasisCaptureConfig.load(None, texts)
    except ConfigError as error:
        raise AssertionError(f"its own texts are refused: {error}") from error
    assert again.config_hash == config.config_hash
