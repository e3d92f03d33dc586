"""What turns a trip's gross into its net, as the kernels of random entry take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.gates.path.placement import Carry, CostColumns

if TYPE_CHECKING:
    from quantlaxmi._jit import random_entry as kernels

__all__ = ["net_terms"]


def net_terms(
    costs: CostColumns, carry: Carry, *, known: bool
) -> tuple[kernels.NetTerms, kernels.Interest]:
    """Costs, funding and interest; with ``known`` false net figures are left out.

    Parameters
    ----------
    costs : CostColumns
    carry : Carry
    known : bool
    """
    from quantlaxmi._jit import random_entry as kernels

    funding, interest = carry.funding, carry.interest
    terms = kernels.NetTerms(
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
    return terms, kernels.Interest(
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
