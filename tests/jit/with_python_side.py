"""Functions that kernels alone call, compiled with a Python side so that tests can call them."""

from __future__ import annotations

from quantlaxmi._jit import interest, random_entry, rng, wide
from quantlaxmi._jit.compiler import kernel


@kernel
def block(key, high, low):
    return rng.block(key, high, low)


@kernel
def words(key, draw, out):
    rng.words(key, draw, out)


@kernel
def below(word, n):
    return rng.below(word, n)


@kernel
def add_signed(high, low, x):
    return wide.add_signed(high, low, x)


@kernel
def add_square(high, low, x):
    return wide.add_square(high, low, x)


@kernel
def table_shape(n, k):
    return random_entry._table_shape(n, k)


@kernel
def place(random, free, occupied, table, shift, order, starts):
    random_entry.place(random, free, occupied, table, shift, order, starts)


@kernel
def half_even(a, b, den_high, den_low):
    return interest.half_even(a, b, den_high, den_low)
