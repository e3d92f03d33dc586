"""The margin of a portfolio of contracts by a scan of scenarios."""
from libc.stdint cimport int64_t

from quantlaxmi._ext._types cimport book_t

cdef enum:
    SCAN_OTHER = 0  # it is not margined
    SCAN_CALL = 1
    SCAN_PUT = 2
    SCAN_FUTURE = 3

cdef struct scan_contract_t:
    int64_t kind
    int64_t expiry  # its place in scan_t.expiries
    int64_t put  # of a call: the put of its strike and expiry; -1: none
    double strike  # as prices are
    double scale  # money of a price of 1 for a quantity of 1

cdef struct scan_expiry_t:  # of one underlying; those of one ascend in time and stand together
    int64_t group  # the underlying
    int64_t ends_ns
    int64_t day
    int64_t far_until  # an option has a long time left on days before this one
    int64_t used  # scratch, as all below: something of it is held
    double forward  # 0: none
    double root_t
    double delta  # money by which the position moves with the forward

cdef struct scan_rule_t:  # of an underlying from a day on, by the calendar of India
    int64_t group
    int64_t day
    double price_scan  # share of the forward
    double far_scan  # the same of options that have a long time left
    double vol_scan  # volatility, 1.00 a year
    double calendar  # share of the far contract
    double exposure  # share of the notional
    double expiring  # the same more on the day of expiry
    int64_t apart  # what expires today has no benefit of what does not

cdef struct scan_t:
    scan_contract_t* contracts
    scan_expiry_t* expiries
    scan_rule_t* rules
    int64_t* qty  # scratch, by instrument, as the next
    int64_t* was
    Py_ssize_t n
    Py_ssize_t n_expiries
    Py_ssize_t n_rules
    Py_ssize_t n_groups

# Money of the portfolio, in units of the contracts' scale.
cdef struct scan_out_t:
    int known  # 0: a price, a forward or a rule is missing
    double required
    double scan
    double calendar
    double exposure
    double options  # worth of options at the mid
    double futures

cdef scan_t* made_scan(contracts, expiries, rules) except NULL
cdef void free_scan(scan_t* s) noexcept
cdef void scan_margin(
    scan_t* s, const book_t* books, const int64_t* qty, int64_t ts_ns, scan_out_t* out
) noexcept nogil
