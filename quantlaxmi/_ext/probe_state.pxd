"""What a probe notes of a market."""
from libc.stdint cimport int64_t
from quantlaxmi._ext._types cimport can_trade_fn
from quantlaxmi._ext.buffers cimport buffer_t
from quantlaxmi._ext.wide cimport ql_i128


# Observes a market instead of trading on it (see probe.pyx).
cdef struct probe_t:
    can_trade_fn can_trade  # NULL: always
    const int64_t* required  # indices of the instruments whose books a row needs
    Py_ssize_t n_required
    Py_ssize_t n_columns  # n_required, or 0 where no mids are kept
    int64_t* last  # (n_required,) bid + ask at the last row
    Py_ssize_t n_bundles
    const int64_t* starts  # (n_bundles + 1,) into the leg arrays
    const int64_t* leg_instrument
    const int64_t* leg_column  # place of the instrument in `required`
    const int64_t* leg_qty  # signed
    ql_i128* units  # greatest common divisor of each bundle's costs so far
    Py_ssize_t head  # first row whose orders have not arrived
    buffer_t rows  # grid_row_t
    buffer_t mids  # n_columns int64 a row
    const int64_t* lent  # indices of the instruments whose mids on arrival are kept
    Py_ssize_t n_lent
    buffer_t arrivals  # n_lent int64 a row: bid + ask; written on arrival
    buffer_t costs  # n_bundles ql_i128 a row; written on arrival
    buffer_t fillable  # n_bundles bytes a row
    buffer_t settlements  # settlement_t


cdef struct grid_row_t:
    int64_t seq
    int64_t ts_ns
    int64_t can_trade


# A funding settlement as any position would have met it.
cdef struct settlement_t:
    int64_t instrument
    int64_t before_ns  # what orders that arrived before this time had made is what pays
    int64_t mark
    int64_t rate
