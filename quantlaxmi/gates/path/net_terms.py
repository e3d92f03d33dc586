"""What turns a trip's gross into its net, as the kernels of random entry take it."""

from __future__ import annotations

import numpy as np

from quantlaxmi.gates.path.draw_terms import Interest, NetTerms
from quantlaxmi.gates.path.placement import Carry, CostColumns

__all__ = ["net_terms"]


def net_terms(costs: CostColumns, carry: Carry, *, known: bool) -> tuple[NetTerms, Interest]:
    """Costs, funding and interest; with ``known`` false net figures are left out.

    Parameters
    ----------
    costs : CostColumns
    carry : Carry
    known : bool
    """
    funding, interest = carry.funding, carry.interest
    terms = NetTerms(
        known=known,
        scale=costs.net_scale,
        costs=costs.values,
        cost=costs.action_cost,
        mirror_cost=costs.action_mirror_cost,
        constant=costs.action_constant,
        settled=funding.settled,
        position=funding.action_held,
        mirror_position=funding.action_mirror_held,
        paid=costs.paid,
    )
    return terms, Interest(
        interest.first,
        interest.begin,
        interest.end,
        interest.column,
        interest.quantity,
        interest.arrivals,
        interest.mids,
        interest.den,
        np.array([weight // costs.unit for weight in interest.weights], np.int64),
    )
