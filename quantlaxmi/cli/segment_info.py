"""``segment info``: what a manifest says, as tables or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from quantlaxmi.cli.output import money_text, print_facts, print_json, print_table
from quantlaxmi.cli.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quantlaxmi.segment.expiries import ExpiryGroup

#: Instruments, and files, that are listed one by one; more are shown by expiry, or summed up.
MOST_LISTED: Final = 40


def show_info(folder: str, as_json: bool, every: bool) -> None:
    """Print what the manifest of the segment in ``folder`` says."""
    from quantlaxmi.segment import open_segment, segment_info
    from quantlaxmi.segment.expiries import by_expiry

    segment = open_segment(folder, verify="manifest")
    info = segment_info(segment)
    groups = by_expiry(segment.instruments)
    if not every:
        _shorten(info, groups)
    print_json(info) if as_json else _print(info, groups)


def _shorten(info: dict[str, Any], groups: Iterable[ExpiryGroup]) -> None:
    """Put what there is by expiry, and sums, in place of long lists."""
    if (n := len(info["instruments"])) > MOST_LISTED:
        info["instruments"] = n
        info["expiries"] = [group_facts(group) for group in groups]
    sources = info["sources"]
    if len(sources) > MOST_LISTED:
        sums = {name: sum(row[name] for row in sources) for name in ("lines", "bytes")}
        info["sources"] = {"files": len(sources), **sums}


def group_facts(group: ExpiryGroup) -> dict[str, Any]:
    """Plain values of a group, strikes as decimal text."""
    low, high = (
        None if strike is None else money_text(strike, group.price_exponent)
        for strike in (group.lowest, group.highest)
    )
    return {
        "base": group.base,
        "expiry_ns": group.expiry_ns,
        "instruments": len(group.instruments),
        "calls": group.calls,
        "puts": group.puts,
        "strikes": group.strikes,
        "lowest": low,
        "highest": high,
        "lots": list(group.lots),
    }


def expiry_text(expiry_ns: int | None) -> str:
    """An expiry as people read it."""
    return "-" if expiry_ns is None else utc_text(expiry_ns)


def _print(info: dict[str, Any], groups: Iterable[ExpiryGroup]) -> None:
    plain = {k: v for k, v in info.items() if not isinstance(v, (list, tuple, dict))}
    for name in ("first_ts_ns", "last_ts_ns"):
        plain[name] = f"{utc_text(info[name])} ({info[name]})"
    print_facts(
        {
            **plain,
            "quarantined": info["quarantine"]["lines"],
            "gaps": len(info["gaps"]),
            "cuts": len(info["cuts"]),
            "notes": " ".join(info["notes"]) or "none",
        }
    )
    print()
    counts = [(table, c["messages"], c["rows"]) for table, c in info["counts"].items()]
    print_table(("table", "messages", "rows"), counts)
    if isinstance(info["instruments"], int):
        _print_groups(info["expiries"])
    else:
        _print_instruments(info["instruments"])
    sources = info["sources"]
    if isinstance(sources, dict):
        print_table(tuple(sources), [tuple(sources.values())])
    elif sources:
        fields = ("name", "stream", "lines", "bytes", "sha256")
        print_table(fields, [[row[f] for f in fields] for row in sources])


def _print_groups(rows: list[dict[str, Any]]) -> None:
    heads = ("base", "expiry", *list(rows[0])[2:])
    print_table(
        heads,
        [
            (row["base"], expiry_text(row["expiry_ns"]), *list(row.values())[2:-1],
             ", ".join(map(str, row["lots"])))
            for row in rows
        ],
        keys=2,
    )  # fmt: skip


def _print_instruments(instruments: list[dict[str, Any]]) -> None:
    names = ("symbol", "venue", "kind", "base", "currency", "price_exponent", "qty_exponent")
    contracts = [
        money_text(row["contract_size"], row.get("contract_exponent", 0))
        + (f" / {units}" if (units := row.get("price_units", 1)) != 1 else "")
        for row in instruments
    ]
    rows = [
        [*(row[n] for n in names), contract]
        for row, contract in zip(instruments, contracts, strict=True)
    ]
    print_table((*names, "contract_size"), rows)
