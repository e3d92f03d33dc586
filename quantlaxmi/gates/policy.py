"""The thresholds every verdict rests on, in one frozen object with a hash."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.files import read_toml

__all__ = ["G2_GATES", "GatePolicy", "load_policy"]

#: Gates the G2 suite can run, in the order they run.
G2_GATES = (
    "net_positive",
    "look_ahead",
    "random_entry",
    "label_permutation",
    "market_null",
    "time_shift",
    "lag_profile",
    "delay",
    "ablation",
)

_MAX_POLICY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """Thresholds and counts of the gates.

    Attributes
    ----------
    g2_gates : tuple of str
        Gates of the G2 suite.
    alpha : Decimal
        Level of every test: it passes when p <= alpha.
    min_trades : int
        Fewer round trips than this are INCONCLUSIVE.
    min_arrangements : int
        Fewer distinct arrangements than this are INCONCLUSIVE.
    n_sims, n_perms : int
        Draws of the matched random entry and of the label permutation.
    n_neutral_pairs : int
        Mirrored pairs of the neutral guard.
    n_market_draws : int
        Draws of the market null that count, each a re-run of the strategy or, with a search, of
        every setting; at most ten times as many are made.
    stop_exceedances : int
        The market null stops at this exceedance; 0 never stops it.
    market_grid_search : str
        ``"auto"``: where the run's settings are of the strategy's grid, every draw of the market
        null has the largest statistic of all the grid's settings; ``"off"``: never.
    permute_within : str
        Where the label permutation shuffles runs: ``"day"``, ``"block"`` of `block_seconds`,
        ``"regime"`` (stretches of bull, bear or chop), or ``"auto"``: days, and blocks for a
        segment under two days.
    regime_steps : int
        Steps of `block_seconds` that a regime looks back on.
    n_shifts : int
        Offsets of the circular shift.
    n_prefixes : int
        Beginnings of the segment on which decisions must be those on the whole.
    min_decorrelations : int
        A segment of fewer decorrelation times of the position is INCONCLUSIVE for the shift.
    delays_ms, delay_bars : tuple of int
        Delays of the orders at which PnL is shown; bars on segments of bars.
    required_delay_ms, required_delay_bars : int
        The delay the delay guard asks about.
    least_delay_share : Decimal
        Share of a positive net PnL that has to survive it.
    n_bootstrap : int
        Draws of the stationary bootstrap of the ablation.
    bootstrap_buckets : int
        Most clock buckets its differences are taken in.
    min_buckets : int
        Fewer buckets than this are INCONCLUSIVE.
    extend_factor : int
        Once, where the Clopper-Pearson interval of b/m holds alpha, draws grow by this factor;
        1 never grows them.
    block_seconds : int
        Block of the label permutation for a segment under two days.
    tost_margin_bps : Decimal
        Equivalence margin of the neutral guard, bps of a trip's notional.
    max_net_bundles : int
        Distinct bundles whose costs are laid out for the net figure.
    fee_multiplier : Decimal
        Multiplies every fee in the net guard.
    extra_slippage_bps : Decimal
        Taken off the notional of every fill in the net guard.
    """

    g2_gates: tuple[str, ...] = G2_GATES
    alpha: Decimal = Decimal("0.05")
    min_trades: int = 30
    min_arrangements: int = 1000
    n_sims: int = 10_000
    n_perms: int = 10_000
    n_neutral_pairs: int = 5_000
    n_market_draws: int = 1_000
    stop_exceedances: int = 20
    market_grid_search: str = "auto"
    permute_within: str = "auto"
    regime_steps: int = 24
    n_shifts: int = 199
    min_decorrelations: int = 40
    n_prefixes: int = 12
    delays_ms: tuple[int, ...] = (10, 50, 100, 250, 1000, 5000)
    delay_bars: tuple[int, ...] = (1, 2, 3)
    required_delay_ms: int = 50
    required_delay_bars: int = 1
    least_delay_share: Decimal = Decimal("0.5")
    n_bootstrap: int = 2_000
    bootstrap_buckets: int = 1_000
    min_buckets: int = 100
    extend_factor: int = 10
    block_seconds: int = 3600
    tost_margin_bps: Decimal = Decimal("0.5")
    max_net_bundles: int = 16
    fee_multiplier: Decimal = Decimal(1)
    extra_slippage_bps: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in _LIMITS:
            value = getattr(self, name)
            kind, low, high = _LIMITS[name]
            if kind is int and (isinstance(value, bool) or not isinstance(value, int)):
                raise ConfigError(
                    "gate policy", f"was {shown(value)}, expected a whole number", name
                )
            if kind is Decimal:
                object.__setattr__(self, name, _decimal(name, value))
                value = getattr(self, name)
            if not low <= value <= high:
                found = shown(value) if kind is int else str(value)[:80]
                raise ConfigError("gate policy", f"was {found}, expected {low} to {high}", name)
        for name, most in _LISTS.items():
            object.__setattr__(self, name, _ascending(name, getattr(self, name), most))
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                expected = ", ".join(words)
                raise ConfigError(
                    "gate policy", f"was {shown(getattr(self, name))}, expected of {expected}", name
                )
        gates = tuple(self.g2_gates)
        object.__setattr__(self, "g2_gates", gates)
        for gate in gates:
            if gate not in G2_GATES:
                expected = ", ".join(G2_GATES)
                raise ConfigError(
                    "gate policy", f"was {shown(gate)}, expected of {expected}", "g2_gates"
                )
        if not gates or len(set(gates)) != len(gates):
            raise ConfigError(
                "gate policy", f"was {shown(list(gates))}, expected gates named once", "g2_gates"
            )

    @property
    def suites(self) -> dict[str, tuple[str, ...]]:
        """The gates that each suite runs."""
        return {"g2": self.g2_gates}

    @property
    def level(self) -> Fraction:
        """`alpha` as an exact fraction."""
        return Fraction(self.alpha)

    def to_json(self) -> dict[str, Any]:
        """Every field with its effective value; decimals as plain text."""
        found: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Decimal):
                found[f.name] = _plain(value)
            else:
                found[f.name] = list(value) if isinstance(value, tuple) else value
        return found

    @property
    def policy_hash(self) -> str:
        """SHA-256 of the canonical text of every field, hexadecimal."""
        return canonical_digest("quantlaxmi.gate-policy.v1", self.to_json()).hex()

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str = "gate policy") -> GatePolicy:
        """A policy from parsed TOML or JSON.

        Raises
        ------
        ConfigError
            For an unknown key or a value of a wrong type or out of range.
        """
        known = {f.name for f in fields(cls)}
        for key in values:
            if key not in known:
                raise ConfigError(
                    source, f"unknown key, expected of {', '.join(sorted(known))}", key
                )
        gates = values.get("g2_gates", [])
        if not isinstance(gates, (list, tuple)) or not all(isinstance(g, str) for g in gates):
            raise ConfigError(
                source, f"was {shown(gates)}, expected a list of gate names", "g2_gates"
            )
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(source, error.problem, error.place) from None


#: Field -> type, least and largest value.
_LIMITS: dict[str, tuple[type, Any, Any]] = {
    "alpha": (Decimal, Decimal("0.000001"), Decimal("0.5")),
    "min_trades": (int, 2, 10**9),
    "min_arrangements": (int, 1, 10**6),
    "n_sims": (int, 19, 10**8),
    "n_perms": (int, 19, 10**8),
    "n_neutral_pairs": (int, 2, 10**8),
    "n_market_draws": (int, 19, 10**7),
    "stop_exceedances": (int, 0, 10**6),
    "n_shifts": (int, 19, 10**6),
    "min_decorrelations": (int, 1, 10**6),
    "n_prefixes": (int, 1, 1000),
    "required_delay_ms": (int, 1, 3_600_000),
    "required_delay_bars": (int, 1, 1000),
    "least_delay_share": (Decimal, Decimal(0), Decimal(1)),
    "n_bootstrap": (int, 99, 10**6),
    "bootstrap_buckets": (int, 30, 100_000),
    "min_buckets": (int, 30, 100_000),
    "extend_factor": (int, 1, 100),
    "block_seconds": (int, 1, 86_400),
    "regime_steps": (int, 1, 10_000),
    "tost_margin_bps": (Decimal, Decimal("0.000001"), Decimal(10_000)),
    "max_net_bundles": (int, 0, 256),
    "fee_multiplier": (Decimal, Decimal(0), Decimal(1000)),
    "extra_slippage_bps": (Decimal, Decimal(0), Decimal(10_000)),
}


#: Field -> the words it may be.
_WORDS = {
    "market_grid_search": ("auto", "off"),
    "permute_within": ("auto", "day", "block", "regime"),
}
#: Field that lists whole numbers -> the largest.
_LISTS = {"delays_ms": 3_600_000, "delay_bars": 1000}


def _ascending(name: str, value: object, most: int) -> tuple[int, ...]:
    found = tuple(value) if isinstance(value, (list, tuple)) else ()
    whole = all(type(v) is int and 1 <= v <= most for v in found)
    if not whole or not 1 <= len(found) <= 32 or list(found) != sorted(set(found)):
        raise ConfigError(
            "gate policy",
            f"was {shown(value)}, expected 1 to 32 whole numbers from 1 to {most}, ascending",
            name,
        )
    return found


def _decimal(name: str, value: object) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal, float)):
            raise ValueError
        found = Decimal(str(value))
        if not found.is_finite():
            raise ValueError
    except (ValueError, ArithmeticError):
        raise ConfigError("gate policy", f"was {shown(value)}, expected a number", name) from None
    return found


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def load_policy(path: str | Path) -> GatePolicy:
    """Read a policy from TOML; keys not named keep their defaults.

    Parameters
    ----------
    path : str or Path
        At most one MiB.

    Raises
    ------
    ConfigError
        When the file cannot be read, is not TOML, or holds an unknown key or a bad value.
    """
    path = Path(path)
    values = read_toml(path, _MAX_POLICY_BYTES, expected="a gate policy", parse_float=Decimal)
    return GatePolicy.from_mapping(values, str(path))
