"""Bundles for the naive engine, from their rule.

1. The legs of a bundle arrive ``leg_latency_ns`` after one another, each as an order of its own.
2. When the last has ended, each leg keeps of what it filled:
   matched (no policy): the smallest share that one of them filled, in whole units of quantity;
   all_or_none: all where every leg filled whole, else nothing;
   whole_units: as many units as every leg filled;
   legs: what it filled.
3. The rest is traded back at the market (trims.py); under a policy it is flagged as hedged out.
4. A bundle with a policy leaves a row: units wanted and kept, legs that did not fill whole, and the
   slippage (against the mids its decision saw) and fees of what was hedged out. So does a refused
   one, and one whose legs had not all ended with the data: of that nothing is traded back, and what
   may not be kept is noted.
"""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.schema import BundlePolicy, FillFlag
from tests.naive.books import Row


class Bundles:
    """Its state is the engine's: ``open`` are bundles by decision, ``bundles`` the rows."""

    def sent(self, sequence: int, policy: str, units: int, orders: list[Row]) -> None:
        self.open[sequence] = {"policy": policy, "units": units, "legs": []}
        self.open[sequence]["left"] = len(orders)

    def leg_has_ended(self, order: Row, filled: int, gained: int, ts_ns: int) -> None:
        one = self.open[order["decision"]]
        one["legs"].append((order, filled, gained))
        one["left"] -= 1
        if one["left"] == 0:
            del self.open[order["decision"]]
            self._decide(order["decision"], one, ts_ns, last=False)

    def end_bundles(self, waiting: list[Row]) -> None:
        """The data have ended; ``waiting`` are legs that have not arrived."""
        for sequence, one in sorted(self.open.items()):
            late = [o for o in waiting if o["decision"] == sequence]
            one["legs"] += [(order, 0, 0) for order in late]
            assert len(late) == one["left"]
            self._decide(sequence, one, self.ts_ns, last=True)
        self.open.clear()

    def _decide(self, sequence: int, one: Row, ts_ns: int, last: bool) -> None:
        legs = sorted(one["legs"], key=lambda leg: leg[0]["leg"])
        policy, units = one["policy"], one["units"]
        share = min(Fraction(f, order["qty"]) for order, f, _ in legs)
        whole = min(units, int(units * share))
        short = sum(f < order["qty"] for order, f, _ in legs)
        if policy == "all_or_none" and short:
            whole = 0
        if policy:
            self.bundle_row(sequence, policy, units, whole, short, ts_ns)
        for order, f, g in legs:
            if not policy:
                keeps = int(order["qty"] * share)  # not negative, so int() is floor
            elif policy == "legs":
                keeps = f
            else:
                keeps = Fraction(order["qty"], units) * whole
            if f <= keeps:
                continue
            # What a buy received less its fee is matched in the same share.
            excess = g - int(g * keeps) // f
            if order["side"] < 0 and self.terms[order["instrument"]].in_base:
                excess = self.order_for(order["instrument"], excess, 1)
            if not excess:
                continue
            if last:
                self.note_short({**order, "qty": excess}, excess, ts_ns)
            else:
                self.trim({**order, "policy": policy}, excess, ts_ns)

    def bundle_row(
        self, sequence: int, policy: str, units: int, kept: int, short: int, ts_ns: int
    ) -> None:
        self.bundles.append(
            {
                "decision": sequence,
                "ts_ns": ts_ns,
                "policy": int(BundlePolicy[policy.upper()]),
                "units_wanted": units,
                "units_filled": kept,
                "legs_short": short,
            }
        )

    def cost_bundles(self) -> None:
        """Slippage and fees of what was hedged out, in tenths of a ledger unit."""
        for row in self.bundles:
            row["cost"] = 0
            for fill in self.fills:
                if fill["decision"] == row["decision"] and fill["flags"] & FillFlag.HEDGE_OUT:
                    i = fill["instrument"]
                    saw = next(
                        leg["reference_price"]
                        for leg in self.legs
                        if (leg["decision"], leg["instrument"]) == (row["decision"], i)
                    )
                    worse = fill["side"] * (10 * fill["price"] - saw)
                    row["cost"] += self.notional(i, worse, fill["qty"]) + 10 * fill["fee"]
