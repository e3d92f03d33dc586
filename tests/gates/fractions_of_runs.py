"""Runs as fractions of the quote currency, for twins that know nothing of the engine."""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.fixed import int128_to_int


def fills_of(run):
    """Fills, and settlements and interest paid, as `tests.naive.ablation` takes them."""
    scales = [Fraction(10) ** (i.price_exponent + i.qty_exponent) for i in run.instruments]
    fee = Fraction(10) ** run.ledger_exponent
    return [
        (
            int(f["ts_ns"]),
            int(f["instrument"]),
            int(f["side"]) * int(f["qty"]),
            int(f["price"]) * scales[int(f["instrument"])],
            int128_to_int(int(f["fee_hi"]), int(f["fee_lo"])) * fee,
        )
        for f in run.exact.fills
    ], [
        (int(p["ts_ns"]), sign * int128_to_int(int(p["amount_hi"]), int(p["amount_lo"])) * fee)
        for sign, rows in ((1, run.exact.funding), (-1, run.exact.borrow))
        for p in rows
    ]


def loans_of(run):
    """Loans of a run, and the unit of its ledger."""
    bps = {i: run.costs.borrow_bps(one) for i, one in enumerate(run.instruments)}
    return [
        (i, -int(p["position"]), int(p["since_ns"]), int(p["ts_ns"]), bps[i].to_fraction())
        for p in run.exact.borrow
        for i in [int(p["instrument"])]
    ], Fraction(10) ** run.ledger_exponent
