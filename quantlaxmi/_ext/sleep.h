/* Which lanes of a market wake: one loop over all of their bounds, four lanes at a time. */
#ifndef QL_SLEEP_H
#define QL_SLEEP_H

#include <stddef.h>
#include <stdint.h>

/* Whether num / den lies within bounds, for den > 0; no number lies in none. */
static inline int ql_within(double low, double high, double num, double den)
{
    return num >= low * den && num <= high * den;
}

/* Whether lane k wakes. */
static inline int ql_wakes(
    const double* low, const double* high, const double* until, ptrdiff_t k, double num,
    double den, double now)
{
    return now >= until[k] && !ql_within(low[k], high[k], num, den);
}

#if defined(__GNUC__) || defined(__clang__)
typedef double ql_real4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t ql_mask4 __attribute__((vector_size(32)));

/* Whether any of n lanes wakes; n is a multiple of four. */
static inline int ql_any_wakes(
    const double* low, const double* high, const double* until, ptrdiff_t n, double num,
    double den, double now)
{
    const ql_real4 x = {num, num, num, num}, d = {den, den, den, den}, t = {now, now, now, now};
    ql_mask4 any = {0, 0, 0, 0};
    for (ptrdiff_t k = 0; k < n; k += 4) {
        const ql_real4 l = *(const ql_real4*)(low + k), h = *(const ql_real4*)(high + k);
        const ql_real4 u = *(const ql_real4*)(until + k);
        any |= ~((x >= l * d) & (x <= h * d)) & (t >= u);
    }
    return (any[0] | any[1] | any[2] | any[3]) != 0;
}
#else
static inline int ql_any_wakes(
    const double* low, const double* high, const double* until, ptrdiff_t n, double num,
    double den, double now)
{
    int any = 0;
    for (ptrdiff_t k = 0; k < n; k++) any |= ql_wakes(low, high, until, k, num, den, now);
    return any;
}
#endif

#endif
