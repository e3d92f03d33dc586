"""What a catalog's journal holds: what was planned, what became of it, and draws for the family."""

from __future__ import annotations

import itertools
from typing import Annotated, Final, Literal

import msgspec

from quantlaxmi.canonical import canonical_json

__all__ = [
    "DONE",
    "FIRST",
    "Drawn",
    "Family",
    "Figures",
    "Finished",
    "KindCounts",
    "Planned",
    "Record",
    "Sha256",
    "Status",
    "Timings",
    "Writer",
    "encoded",
]

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
#: A hash, or nothing where there is none.
MaybeSha256 = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
MaybeName = Annotated[str, msgspec.Meta(max_length=256)]
Text = Annotated[str, msgspec.Meta(max_length=2048)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
#: Exact decimal text of an amount; JSON numbers are floats.
Amount = Annotated[str, msgspec.Meta(pattern="^(-?[0-9]{1,200}([.][0-9]{1,60})?)?$")]
#: A derived figure of an amount, as text of nine digits.
Derived = Annotated[
    str, msgspec.Meta(pattern="^(-?[0-9]{1,40}([.][0-9]{1,40})?(e[+-]?[0-9]{1,2})?)?$")
]
Status = Literal["done", "failed", "timeout", "memory", "crashed", "refused"]
DONE: Final = "done"
#: Exceedances whose places are kept: sequential p-values of a family stop at this one.
FIRST: Final = 10


class _Struct(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Base of what lines hold."""


class Writer(_Struct, frozen=True, kw_only=True, tag="writer"):
    """The first line of a file.

    Attributes
    ----------
    catalog : str
        Id of the catalog that the file belongs to.
    schema : int
    """

    catalog: Annotated[str, msgspec.Meta(pattern="^[0-9a-f-]{36}$")]
    schema: Count


class Planned(_Struct, frozen=True, kw_only=True, tag="planned"):
    """An item that a sweep set out to do: it counts in the family whatever becomes of it.

    Attributes
    ----------
    key : str
    segment_id, segment_digest : str
        The digest is empty where the segment could not be opened.
    strategy_id, code_digest : str
    grid_hash : str
        Of the settings that were searched; empty where no grid was given.
    run_hash, policy_hash : str
        Of costs, limits, latency and seed; of the gates' policy.
    engine_version : str
        Of the package and of the engine's rules: ``"0.1.0/5"``.
    gates : str
        Suites, separated by commas.
    rows : int
        Rows of the segment.
    first_ts_ns, last_ts_ns : int
    """

    key: Sha256
    segment_id: MaybeName
    segment_digest: MaybeSha256 = ""
    strategy_id: Name
    code_digest: MaybeSha256 = ""
    grid_hash: MaybeSha256 = ""
    run_hash: Sha256
    policy_hash: Sha256
    engine_version: Name
    gates: Name
    rows: Count = 0
    first_ts_ns: Nanoseconds = -1
    last_ts_ns: Nanoseconds = -1


class KindCounts(_Struct, frozen=True, kw_only=True):
    """Draws of the market null of one kind of drift.

    Attributes
    ----------
    draws, exceedances : int
        Draws that count, and those of them that did at least as well as the data.
    tried : int
        Draws made; 0 where nobody counted.
    stopped : bool
        Whether drawing stopped at the last of these exceedances.
    first : tuple of int
        Places of the first ten exceedances among the draws that count, from 1; empty where nobody
        looked.
    """

    draws: Count
    exceedances: Count
    tried: Count = 0
    stopped: bool = False
    first: Annotated[tuple[Count, ...], msgspec.Meta(max_length=FIRST)] = ()

    def __post_init__(self) -> None:
        places = (0, *self.first, self.draws + 1)
        if self.exceedances > self.draws or len(self.first) > self.exceedances:
            raise ValueError(f"{self.exceedances} exceedances of {self.draws} draws cannot be")
        if any(one >= two for one, two in itertools.pairwise(places)):
            raise ValueError(f"exceedances of {self.draws} draws cannot stand at {self.first}")


class Figures(_Struct, frozen=True, kw_only=True):
    """Figures of a finished item.

    Attributes
    ----------
    verdict : str
    g2, g3 : str
        Verdicts of the suites; empty where one did not run.
    edge : str
        What a PASS rests on; else empty.
    excluded : str
        Why the item has no p of its own, so that it counts with p = 1: the first guard, or test of
        robustness, that did not pass; ``"policy"`` where its policy leaves out a gate that decides,
        so that its report cannot PASS; else empty.
    funnel : str
        The first gate that did not pass; ``"policy"`` as above; empty where all passed.
    config_hash : str
        Of the setting that was judged.
    settings : int
        Settings that were searched, the judged one among them.
    drifting, driftless : KindCounts or None
        Draws of the gate; those of option sessions, which have one kind, are driftless.
    p_equity : float or None
    mean, sd : str
        Of a clock bucket's net PnL; empty where nothing was judged.
    buckets : int
    trips : int
    net, gross : str
        Exact amounts.
    currency : str
    break_even : float or None
        Multiple of the fees at which nothing is left.
    dsr, pbo : float or None
        Deflated Sharpe ratio and probability of backtest overfitting, where a grid was judged.
    unseen : str
        The loss that would erase a PASS, in words.
    report_hash : str
    """

    verdict: Name
    g2: MaybeName = ""
    g3: MaybeName = ""
    edge: MaybeName = ""
    excluded: MaybeName = ""
    funnel: MaybeName = ""
    config_hash: Sha256
    settings: Count = 1
    drifting: KindCounts | None = None
    driftless: KindCounts | None = None
    p_equity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    mean: Derived = ""
    sd: Derived = ""
    buckets: Count = 0
    trips: Count = 0
    net: Amount = ""
    gross: Amount = ""
    currency: MaybeName = ""
    break_even: float | None = None
    dsr: float | None = None
    pbo: float | None = None
    unseen: Text = ""
    report_hash: Sha256

    def __post_init__(self) -> None:
        if self.buckets and not (self.mean and self.sd):
            raise ValueError(f"{self.buckets} buckets have no mean and no standard deviation")


class Timings(_Struct, frozen=True, kw_only=True):
    """What an item took; in no hash but the chain's.

    Attributes
    ----------
    wall_s, cpu_s : float
    peak_bytes : int
        Largest memory of the worker until then.
    host : str
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: Count = 0
    host: MaybeName = ""


class Finished(_Struct, frozen=True, kw_only=True, tag="item"):
    """What became of an item.

    Attributes
    ----------
    key : str
    status : str
    attempts : int
        How often it was begun until then.
    error_kind, error : str
        Empty for an item that is done.
    figures : Figures or None
        Of one that is done.
    report : str
        SHA-256 of its report's file.
    timings : Timings
    """

    key: Sha256
    status: Status
    attempts: Count = 1
    error_kind: MaybeName = ""
    error: Text = ""
    figures: Figures | None = None
    report: MaybeSha256 = ""
    timings: Timings = Timings()


class Drawn(_Struct, frozen=True, kw_only=True, tag="draws"):
    """Draws of an item for the family, from the first one on; a later line replaces an earlier.

    Attributes
    ----------
    key : str
    drifting, driftless : KindCounts
        The first is None of option sessions, which have one kind of draws.
    ended : bool
        Whether no further draw can be had: too few of those made count.
    timings : Timings
    """

    key: Sha256
    drifting: KindCounts | None = None
    driftless: KindCounts
    ended: bool = False
    timings: Timings = Timings()


class Family(_Struct, frozen=True, kw_only=True, tag="family"):
    """The length of a family's sequential p-values, fixed before its draws.

    Attributes
    ----------
    engine_version : str
        Of the items.
    items, draws : int
        How many items it had, and the most draws of each kind.
    q : str
        Rate of false discoveries, exact decimal text.
    """

    engine_version: Name
    items: Count
    draws: Count
    q: Annotated[str, msgspec.Meta(pattern="^0?[.][0-9]{1,9}$")]


Record = Writer | Planned | Finished | Drawn | Family


def encoded(value: object) -> bytes:
    """Canonical JSON of a line or a record: equal values give equal bytes."""
    return canonical_json(msgspec.to_builtins(value))
