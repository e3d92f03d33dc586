"""The integers of a run's money, made once for the same instruments, costs and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quantlaxmi.execution.account_terms import (
    AccountTerms,
    borrow_terms,
    ledger_exponent,
    run_accounts,
)
from quantlaxmi.execution.base_fees import BaseTerms, base_terms
from quantlaxmi.execution.contract_terms import ContractTerms, contract_terms
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import Limits, RiskLimits, Rule, order_rules
from quantlaxmi.instruments import Instrument
from quantlaxmi.recent import Recent

__all__ = ["RunTerms", "run_terms"]


@dataclass(frozen=True, slots=True)
class RunTerms:
    """What an engine books, checks and prices orders with.

    Attributes
    ----------
    ledger_exponent : int
        Of the run's money.
    currencies : tuple of str
        In the order of the instruments that have them first.
    accounts : tuple
        Of each instrument, see `account_terms`.
    borrow : tuple of (int, int)
        Of each instrument, see `borrow_terms`.
    base_fees : tuple of (bool, int, int, int, int)
        Of each instrument, see `base_terms`; empty where none pays a fee in base.
    impact : tuple of (int, int)
        Of each instrument, see `Impact.terms`.
    rules : tuple of Rule
        Of each instrument, see `order_rules`.
    limits : Limits
    contracts : tuple
        Of each instrument, see `contract_terms`; empty where none ends or settles.
    """

    ledger_exponent: int
    currencies: tuple[str, ...]
    accounts: tuple[AccountTerms, ...]
    borrow: tuple[tuple[int, int], ...]
    base_fees: tuple[BaseTerms, ...]
    impact: tuple[tuple[int, int], ...]
    rules: tuple[Rule, ...]
    limits: Limits
    contracts: tuple[ContractTerms, ...] = ()


#: A gate runs with the run's own terms, and with those of a few stresses.
_kept: Final = Recent[RunTerms](most=8)


def run_terms(
    instruments: tuple[Instrument, ...], costs: CostModel, limits: RiskLimits
) -> RunTerms:
    """Return the terms of a run.

    Parameters
    ----------
    instruments : tuple of Instrument
    costs : CostModel
        With a rate for every instrument.
    limits : RiskLimits

    Raises
    ------
    ConfigError
        An instrument has no rate, or something does not fit a kernel's integers.
    """
    return _kept.get(
        (instruments, costs, limits),
        (costs.entries, limits.entries),
        lambda: _made(instruments, costs, limits),
    )


def _made(instruments: tuple[Instrument, ...], costs: CostModel, limits: RiskLimits) -> RunTerms:
    exponent = ledger_exponent(instruments, costs)
    currencies = tuple(dict.fromkeys(one.currency for one in instruments))
    base = tuple(base_terms(one, costs) for one in instruments)
    contracts = tuple(map(contract_terms, instruments))
    rules, checks = order_rules(instruments, costs, limits, exponent)
    return RunTerms(
        exponent,
        currencies,
        run_accounts(instruments, costs, exponent, currencies),
        tuple(borrow_terms(one, costs, exponent) for one in instruments),
        base if any(paid for paid, *_ in base) else (),
        tuple(costs.impact_on(one).terms if costs.impact else (0, 0) for one in instruments),
        tuple(rules),
        checks,
        contracts if any(right or end for right, _, end in contracts) else (),
    )
