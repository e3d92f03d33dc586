"""Funding settlements, for the naive engine; its state is the engine's."""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.schema import RATE_EXPONENT, FillFlag
from tests.naive.books import Row

TEN = Fraction(10)


class Funding:
    def _announce(self, row: Row) -> None:
        i, at = row["instrument"], row["next_funding_ns"]
        if i in self.funding_due and at > self.funding_due[i]:
            self._settle(i, self.ts_ns)
        mark = row["mark"] + self.market.books[i].shift if row["mark"] else 0
        self.funding_terms[i] = (mark, row["rate"])
        if at > 0 and (i not in self.funding_settled or at > self.funding_settled[i]):
            self.funding_due[i] = at

    def _settles(self, i: int) -> int:
        """Receive time of the announced settlement."""
        return self.clocks[i].receive_time(self.funding_due[i])

    def _held_at(self, i: int, ts_ns: int) -> int:
        """What messages up to a time had filled, and orders that arrived before it."""
        before = held = 0
        for f in self.fills:
            if f["instrument"] == i:
                if f["ts_ns"] + (0 if f["flags"] & FillFlag.MAKER else 1) <= ts_ns:
                    held += f["position"] - before
                before = f["position"]
        return held

    def _settle(self, i: int, latest: int) -> None:
        held = self._held_at(i, min(latest, self._settles(i)))
        at = self.funding_due.pop(i)
        self.funding_settled[i] = at
        account = self.accounts[i]
        if held == 0:
            return
        mark, rate = self.funding_terms[i]
        if mark == 0:  # the source has none
            book = self.market.books[i]
            mark = round(Fraction(book.mid2, 2))
        exact = self.notional(i, mark, held) * rate * TEN**RATE_EXPONENT
        amount = -round(exact)
        account.funding += amount
        self.cash[self.terms[i].currency] += amount
        self.funding.append(
            {
                "instrument": i,
                "ts_ns": at,
                "seq": self.seq,
                "position": held,
                "mark": mark,
                "rate": rate,
                "amount": amount,
                "fills_before": len(self.fills),
            }
        )
