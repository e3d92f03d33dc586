"""C declarations of black76.h."""

cdef extern from "black76.h" nogil:
    int QL_OK, QL_BELOW_INTRINSIC, QL_ABOVE_BOUND, QL_NO_QUOTE, QL_NO_FORWARD, QL_EXPIRED
    double QL_LEAST, QL_MOST, QL_MOST_YEARS, QL_MOST_SIGMA

    ctypedef struct ql_greeks_t:
        double delta, gamma, vega, theta

    double ql_sqrt(double x)
    double ql_exp(double x)
    double ql_log_ratio(double f, double k)
    double ql_black76(double forward, double strike, double root_t, double sigma, int call)
    ql_greeks_t ql_greeks(double forward, double strike, double root_t, double sigma, int call)
    int ql_implied(
        double price, double forward, double strike, double root_t, int call, double* sigma
    )


cdef inline bint within(double value, double least, double most) noexcept nogil:
    """Whether a number lies within bounds; not-a-number does not."""
    return least <= value <= most


cdef inline int option_status(double forward, double years) noexcept nogil:
    """What forward and time alone say of an option."""
    if not within(forward, QL_LEAST, QL_MOST):
        return QL_NO_FORWARD
    return QL_OK if years > 0 else QL_EXPIRED
