"""What an instrument comes to when it ends, for a kernel."""

from __future__ import annotations

from typing import Final

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind

__all__ = ["ContractTerms", "contract_terms"]

#: Right (1 call, -1 put, 0 anything else), strike, end in ns since the epoch or None.
ContractTerms = tuple[int, int, int | None]

_RIGHTS: Final = {InstrumentKind.CALL: 1, InstrumentKind.PUT: -1}


def contract_terms(instrument: Instrument) -> ContractTerms:
    """Return what an instrument comes to when it ends.

    Returns
    -------
    right : int
        1 for a call, -1 for a put: it comes to what ``right * (price - strike)`` is above 0, with
        the settlement price of its underlying. 0 for anything else, which comes to the price.
    strike : int
        Mantissa at the price exponent, 0 where there is none.
    end : int or None
        When it ends, ns since the epoch; None for what does not, and for what settles without
        having ended.

    Examples
    --------
    >>> put = Instrument(
    ...     symbol="P", venue="nse", venue_symbol="P", kind=InstrumentKind.PUT, price_exponent=-2,
    ...     qty_exponent=0, currency="INR", base="NIFTY", expiry_ns=10**18, strike=2_460_000,
    ... )
    >>> contract_terms(put)
    (-1, 2460000, 1000000000000000000)
    """
    right = _RIGHTS.get(instrument.kind, 0)
    strike = instrument.strike or 0
    return right, strike, instrument.expiry_ns
