"""A whole run's money, booked again fill by fill: the loop's ledger and PnLAccumulator are one."""

import numpy as np
import pytest

from quantlaxmi.execution.ledger import PnLAccumulator
from quantlaxmi.fixed import int128_array
from quantlaxmi.importers.synthetic import generate_segment
from quantlaxmi.run.replay import backtest
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    return generate_segment("planted", tmp_path_factory.mktemp("ledger") / "seg", rows=40_000)


# A size beyond what is displayed gives partial fills, trims and closes in many parts.
@pytest.mark.parametrize(("size", "flatten"), [("0.01", False), ("0.9", True)])
def test_run_booked_again_gives_the_same_money(segment, size, flatten):
    sets = ["threshold_bps=1", "exit_threshold_bps=0.5", "cooldown_ms=100", f"position_size={size}"]
    config = BasisCaptureConfig.load(sets=sets)
    run = backtest(segment, BasisCapture(config), flatten=flatten)
    assert run.n_fills > 20
    assert len(run.exact.funding) > 0
    accounts = [
        PnLAccumulator(
            price_exponent=i.price_exponent,
            qty_exponent=i.qty_exponent,
            exponent=run.ledger_exponent,
            currency=i.currency,
        )
        for i in run.instruments
    ]
    fills, paid, lent = run.exact.fills, run.exact.funding, run.exact.borrow
    interest = int128_array(lent["amount_hi"], lent["amount_lo"])
    assert len(lent) > 0
    fees = int128_array(fills["fee_hi"], fills["fee_lo"])
    realized = int128_array(fills["realized_hi"], fills["realized_lo"])
    cash = int128_array(fills["cash_hi"], fills["cash_lo"])
    amounts = int128_array(paid["amount_hi"], paid["amount_lo"])
    p = b = 0
    for k, fill in enumerate(fills):
        while b < len(lent) and lent["fills_before"][b] <= k:
            accounts[lent["instrument"][b]].apply_borrow(interest[b])
            b += 1
        while p < len(paid) and paid["ts_ns"][p] <= fill["ts_ns"]:
            accounts[paid["instrument"][p]].apply_funding(amounts[p])
            p += 1
        account = accounts[fill["instrument"]]
        account.apply_fill(fill["side"], fill["qty"], fill["price"], fees[k])
        assert account.position == fill["position"]
        assert account.realized == realized[k]
        assert sum(a.cash for a in accounts) == cash[k]
    for k in range(p, len(paid)):
        accounts[paid["instrument"][k]].apply_funding(amounts[k])
    for k in range(b, len(lent)):
        accounts[lent["instrument"][k]].apply_borrow(interest[k])
    for booked, account, mid, instrument in zip(
        run.exact.accounts, accounts, run.exact.last_mids, run.instruments, strict=True
    ):
        account.mark(np.int64(mid), instrument.price_exponent - 1)
        assert (account.position, account.cost) == (booked.position, booked.cost)
        assert (account.realized, account.fees) == (booked.realized, booked.fees)
        assert (account.funding, account.borrow) == (booked.funding, booked.borrow)
        assert account.unrealized_at(run.ledger_exponent - 1) == booked.unrealized
    assert sum(a.cash for a in accounts) == run.exact.cash["USDT"]
