"""Rows of one expiry of an option chain, and what they say; see chain_surface.pyx."""
from libc.stdint cimport int64_t

cdef struct chain_t:
    const int64_t* strike
    const int64_t* call_bid
    const int64_t* call_ask
    const int64_t* put_bid
    const int64_t* put_ask
    double unit  # price units in one of the currency


cdef struct slice_t:
    Py_ssize_t first, after  # rows of one expiry, strikes ascending
    double forward, root_t
    int status  # of the forward and the time


cdef struct straddle_t:
    double call, put  # volatilities
    double vega
    double price, spread


cdef slice_t chain_slice(
    Py_ssize_t first, Py_ssize_t after, double forward, double years
) noexcept nogil
cdef int chain_forward(const chain_t* c, slice_t* s) noexcept nogil
cdef Py_ssize_t chain_nearest(const chain_t* c, const slice_t* s) noexcept nogil
cdef int chain_straddle(
    const chain_t* c, const slice_t* s, Py_ssize_t k, straddle_t* out
) noexcept nogil
cdef int chain_skew(const chain_t* c, const slice_t* s, double* skew) noexcept nogil
