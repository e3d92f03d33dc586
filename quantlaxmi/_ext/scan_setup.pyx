"""Engines are told how to ask for margin."""
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.scan_margin cimport free_scan, made_scan


def set_scan(Engine engine, contracts, expiries, rules):
    """Refuse decisions of an engine, whose capital is stated, by a scan of its margin.

    Parameters
    ----------
    engine : Engine
        New, with limits.
    contracts : sequence of tuple
        By instrument ``(kind, expiry, put, strike, scale)``: 0 for none, 1 call, 2 put, 3 future;
        the place of its expiry; of a call the number of the put of its strike and expiry, else -1;
        strike at the price exponent; ledger units of a price of 1 for a quantity of 1.
    expiries : sequence of tuple
        ``(underlying, ends_ns, day, far_until)`` by number of the underlying, then by time; days
        since the epoch by the calendar of India, the second the first one on which an option has no
        long time left.
    rules : sequence of tuple
        ``(underlying, day, price_scan, far_scan, vol_scan, calendar, exposure, expiring, apart)``,
        of each underlying ascending: shares of one, and whether what expires today is margined apart.
    """
    if len(contracts) != engine.e.n_instruments or not engine.e.guard.margin.on:
        raise ValueError("a scan is of every instrument, with a stated capital")
    free_scan(engine.e.scan)
    engine.e.scan = NULL
    engine.e.scan = made_scan(contracts, expiries, rules)
