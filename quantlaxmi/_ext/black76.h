/* Black-76 without a discount: price, greeks and implied volatility of one option.
 *
 * Only + - * / sqrt and moves of bits, compiled without contraction: the same bits on every machine
 * whose doubles are IEEE 754, at any level of optimisation. No function of libm is called.
 *
 * With x = -|ln(F/K)|, s = sigma sqrt(T), h = x/s, t = s/2 and Y(z) = Phi(z)/phi(z), an option out
 * of the money is worth sqrt(F K) b, b = phi-factor * [Y(h + t) - Y(h - t)] with the phi-factor
 * exp(-(h*h + t*t)/2) / sqrt(2 pi) (Jaeckel, "Let's Be Rational", 2015). For t below 0.21 the
 * bracket is its series in t, 2 * sum over odd k of Y^(k)(h) t^k/k!, whose terms follow from
 * Y' = 1 + z Y; nothing cancels in it, since Y(h) and 1 + h Y(h) are both taken from polynomials
 * (tests/naive/mills_fit.py makes them). */
#ifndef QL_BLACK76_H
#define QL_BLACK76_H
#include <stdint.h>

enum {
    QL_OK = 0,
    QL_BELOW_INTRINSIC = 1, /* the price has no time value */
    QL_ABOVE_BOUND = 2,     /* a call at or above the forward, a put at or above the strike */
    QL_NO_QUOTE = 3,
    QL_NO_FORWARD = 4,
    QL_EXPIRED = 5
};

/* Bounds of forwards and strikes, of years and of volatility: products then stay in range. */
#define QL_LEAST 1e-100
#define QL_MOST 1e100
#define QL_MOST_YEARS 1e3
#define QL_MOST_SIGMA 1e3
/* phi(37) is 1e-298: beyond this many deviations an option out of the money is worth 0. */
#define QL_FAR 37.0
/* Half the largest total volatility that changes a price. */
#define QL_WIDE 37.0
#define QL_SERIES 0.21 /* of t: the bracket is summed below it */

typedef struct {
    double b, slope; /* normalised price and its derivative by s */
    double curl;     /* (second derivative) / slope */
} ql_normal_t;

typedef struct {
    double delta, gamma, vega, theta;
} ql_greeks_t;

typedef union {
    double real;
    uint64_t bits;
} ql_bits_t;

static inline double ql_abs(double x) { return x < 0 ? -x : x; }

/* Correctly rounded everywhere; gcc and clang make one instruction of it, and ask libm for nothing. */
#if defined(__GNUC__) || defined(__clang__)
static inline double ql_sqrt(double x) { return __builtin_sqrt(x); }
#else
#include <math.h>
static inline double ql_sqrt(double x) { return sqrt(x); }
#endif

/* exp(x): k = round(x / ln 2), Taylor's series of the rest; 0 below -690, x at most 690. */
static inline double ql_exp(double x) {
    const double magic = 6755399441055744.0; /* 1.5 * 2**52: sums are rounded to integers */
    double k, r, q, r2;
    ql_bits_t moved, scale;
    if (!(x > -690.0)) return 0.0;
    moved.real = x * 1.4426950408889634 + magic;
    k = moved.real - magic;
    r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    r2 = r * r;
    /* r**2/2! + ... + r**13/13! */
    q = ((1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120)))
        + (r2 * r2)
              * (((1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880)))
                 + (r2 * r2)
                       * ((1.0 / 3628800 + r * (1.0 / 39916800))
                          + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800.0))));
    scale.bits = (uint64_t)((int64_t)k + 1023) << 52;
    return (1.0 + (r + r2 * q)) * scale.real;
}

/* 2 atanh(z) - 2 z, |z| at most 0.172. */
static inline double ql_atanh_rest(double z) {
    double y = z * z, y2 = y * y, y4 = y2 * y2;
    double low = (2.0 / 3 + y * (2.0 / 5)) + y2 * (2.0 / 7 + y * (2.0 / 9));
    double high = (2.0 / 11 + y * (2.0 / 13)) + y2 * (2.0 / 15 + y * (2.0 / 17));
    double top = (2.0 / 19 + y * (2.0 / 21)) + y2 * (2.0 / 23);
    return z * y * (low + y4 * (high + y4 * top));
}

/* ln(x) for a normal x above 0: 2 atanh((m - 1)/(m + 1)) with m from sqrt(1/2) to sqrt(2). */
static inline double ql_log(double x) {
    ql_bits_t v;
    double k, m, z;
    v.real = x;
    k = (double)((int64_t)(v.bits >> 52) - 1023);
    v.bits = (v.bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
    m = v.real;
    if (m > 1.4142135623730951) {
        m = m * 0.5;
        k = k + 1.0;
    }
    z = (m - 1.0) / (m + 1.0);
    return k * 0x1.62e42feep-1 + (2.0 * z + (ql_atanh_rest(z) + k * 0x1.a39ef35793c76p-33));
}

/* ln(f/k); near the money from f - k, which is exact there. */
static inline double ql_log_ratio(double f, double k) {
    double z = (f - k) / (f + k);
    if (ql_abs(z) <= 0.17) return 2.0 * z + ql_atanh_rest(z);
    return ql_log(f / k);
}

/* c[0] + c[1] y + ... + c[23] y**23, by halves: short chains of operations. */
static inline double ql_sum24(const double *c, double y) {
    double y2 = y * y, y4 = y2 * y2, y8 = y4 * y4;
    double a0 = (c[0] + c[1] * y) + y2 * (c[2] + c[3] * y);
    double a1 = (c[4] + c[5] * y) + y2 * (c[6] + c[7] * y);
    double a2 = (c[8] + c[9] * y) + y2 * (c[10] + c[11] * y);
    double a3 = (c[12] + c[13] * y) + y2 * (c[14] + c[15] * y);
    double a4 = (c[16] + c[17] * y) + y2 * (c[18] + c[19] * y);
    double a5 = (c[20] + c[21] * y) + y2 * (c[22] + c[23] * y);
    return (a0 + y4 * a1) + y8 * ((a2 + y4 * a3) + y8 * (a4 + y4 * a5));
}

/* c[0] + ... + c[7] y**7. */
static inline double ql_sum8(const double *c, double y) {
    double y2 = y * y;
    double low = (c[0] + c[1] * y) + y2 * (c[2] + c[3] * y);
    double high = (c[4] + c[5] * y) + y2 * (c[6] + c[7] * y);
    return low + y2 * y2 * high;
}

/* Where a = -z lies in 0..80, as -1..1. */
static inline double ql_place(double a) { return 2.125 * a / (a + 5.0) - 1.0; }

/* (1 + a) Y(-a) */
static const double ql_mills_c[24] = {
    0x1.2bad2b32496b3p+0, -0x1.cb5e930cedb70p-3, 0x1.04b22a6292bc5p-4, 0x1.253926619aa4ap-5,
    -0x1.15902cf29111ep-4, 0x1.ccc4e619df5dbp-5, -0x1.012a5a0b52fd3p-5, 0x1.88a05bb10702cp-7,
    -0x1.4dc9dd91721e7p-9, -0x1.4c7ab9daac7dcp-13, 0x1.331bf5d3d075ep-12, -0x1.dd002d29ed9d0p-15,
    -0x1.53c5a611cbd33p-16, 0x1.4a33a98e7f89ap-17, 0x1.3f3ec5e19d159p-20, -0x1.693d4d3a303c7p-20,
    -0x1.374ad43d7faa9p-24, 0x1.8b14145eb0ad5p-23, 0x1.17822bf8212a3p-27, -0x1.b79b978a73167p-26,
    -0x1.968dc2cc6b3d7p-30, 0x1.b8fed13f5c445p-29, 0x1.6dd93e325b8f1p-33, -0x1.16b64e2348a0ep-32
};

/* (1 + a)**2 (1 - a Y(-a)) */
static const double ql_slope_c[24] = {
    0x1.50ea6f7e64c8ap+0, -0x1.5d58f37497dfbp-2, -0x1.22af8d75e4d58p-4, 0x1.1a8cd94db72d4p-2,
    -0x1.013599953e8f5p-2, 0x1.e8ebea7c31dcbp-4, -0x1.1db2afb7a7807p-7, -0x1.0d69e1695c591p-5,
    0x1.b7bafcf5f70bfp-6, -0x1.45e8c9018071dp-7, 0x1.3f72cf0e0346ep-11, 0x1.22606b9968b5ep-10,
    -0x1.8a1bdc3b6d8d1p-12, -0x1.31b7005a3d7b0p-14, 0x1.107056ce0f166p-14, 0x1.5c87c59d2ea49p-19,
    -0x1.49a4a335a291dp-17, 0x1.0176a2079e831p-23, 0x1.8a2b541837ef9p-20, -0x1.3168755681474p-26,
    -0x1.a6fd77f35305ap-23, -0x1.bc29c272238bap-29, 0x1.1b1e18d279573p-26, 0x1.be2c2e9fe7d45p-31
};

/* Y(-a) = Phi(-a)/phi(a), a from 0 to 80. */
static inline double ql_mills(double a) { return ql_sum24(ql_mills_c, ql_place(a)) / (1.0 + a); }

/* Y(h + t) - Y(h - t) for h = -a and t below QL_SERIES; half_x = h t. */
static inline double ql_series(double a, double half_x, double t) {
    static const double inverse[18] = {
        0.0, 1.0, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6, 1.0 / 7, 1.0 / 8, 1.0 / 9,
        1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17
    };
    double y = ql_place(a), near = 1.0 / (1.0 + a), t2 = t * t;
    /* even, odd: Y^(k)(h) t^k / k! of the last even and odd k */
    double even = ql_sum24(ql_mills_c, y) * near;
    double first = ql_sum24(ql_slope_c, y) * near * near * t;
    double odd = first, rest = 0.0;
    int k, last = t < 0.03 ? 9 : 17;
    for (k = 2; k < last; k += 2) {
        even = (half_x * odd + t2 * even) * inverse[k];
        odd = (half_x * even + t2 * odd) * inverse[k + 1];
        rest += odd;
    }
    return 2.0 * (first + rest);
}

/* b and its derivatives for x <= 0 and s above 1e-150. */
static inline ql_normal_t ql_normal(double x, double s) {
    const double inverse_root_2pi = 0.3989422804014327;
    ql_normal_t n = {0.0, 0.0, 0.0};
    double t = 0.5 * s, a;
    if (t > QL_WIDE) {
        n.b = ql_exp(0.5 * x);
        return n;
    }
    if (-x > QL_FAR * s) return n;
    a = -x / s;
    n.slope = ql_exp(-0.5 * (a * a + t * t)) * inverse_root_2pi;
    n.curl = (a * a - t * t) / s;
    if (t < QL_SERIES)
        n.b = n.slope * ql_series(a, 0.5 * x, t);
    else if (a >= t)
        n.b = n.slope * (ql_mills(a - t) - ql_mills(a + t));
    else /* Phi of a positive number is 1 - Phi of the negative one */
        n.b = ql_exp(0.5 * x) - n.slope * (ql_mills(t - a) + ql_mills(t + a));
    return n;
}

static inline double ql_intrinsic(double forward, double strike, int call) {
    double in = call ? forward - strike : strike - forward;
    return in > 0 ? in : 0.0;
}

/* Undiscounted price of an option; forward and strike from QL_LEAST to QL_MOST, root_t = sqrt(T). */
static inline double ql_black76(
    double forward, double strike, double root_t, double sigma, int call
) {
    double s = sigma * root_t, in = ql_intrinsic(forward, strike, call), price;
    if (!(s > 1e-150)) return in;
    price = in + ql_sqrt(forward * strike) * ql_normal(-ql_abs(ql_log_ratio(forward, strike)), s).b;
    if (call) return price < forward ? price : forward;
    return price < strike ? price : strike;
}

/* Derivatives of an option's price: by the forward, twice by it, by sigma, and by time passing. */
static inline ql_greeks_t ql_greeks(
    double forward, double strike, double root_t, double sigma, int call
) {
    ql_greeks_t g = {0.0, 0.0, 0.0, 0.0};
    double s = sigma * root_t, x = ql_log_ratio(forward, strike), d1, bell, below;
    if (!(s > 1e-150) || ql_abs(x) > QL_FAR * s) { /* the end of a step: at the strike one half */
        double over = forward > strike ? 1.0 : forward < strike ? 0.0 : 0.5;
        g.delta = call ? over : over - 1.0;
        if (x == 0.0) g.vega = forward * 0.3989422804014327 * root_t;
        return g;
    }
    d1 = x / s + 0.5 * s;
    bell = ql_exp(-0.5 * d1 * d1) * 0.3989422804014327;
    below = bell > 0.0 ? bell * ql_mills(ql_abs(d1)) : 0.0; /* Phi(-|d1|) */
    if (call)
        g.delta = d1 > 0.0 ? 1.0 - below : below;
    else
        g.delta = d1 > 0.0 ? -below : below - 1.0;
    g.gamma = bell / (forward * s);
    g.vega = forward * bell * root_t;
    g.theta = -0.5 * forward * bell * sigma / root_t;
    return g;
}

/* of Bachelier's formula, near the money and far from it: see mills_fit */
static const double ql_near_c[8] = {
    0x1.2d154cf53b03dp+1, -0x1.4e5dd10504f2ep-2, -0x1.a2ed76f4ba23cp-3, -0x1.98680d49a434fp-5,
    -0x1.19fe9db694aabp-6, -0x1.d82fd4ce88195p-8, -0x1.4531d8e0e813bp-6, -0x1.98eb39571003fp-7
};

static const double ql_far_c[8] = {
    0x1.69ab2e5846905p-1, -0x1.624e968305847p-2, 0x1.1cddeb7613f13p-5, 0x1.5a872afbdaa52p-4,
    -0x1.42273e3388dddp-6, -0x1.015b1f591b1d6p-6, -0x1.47a7f9829777cp-10, 0x1.63c1adeab5cf0p-8
};

/* First guess of s: Bachelier's, which is a function of b over the distance of forward and strike
 * alone, and its second-order difference from Black's (Hagan and Woodward, 1999). */
static inline double ql_guess(double b, double x, double distance) {
    double s, r, y;
    if (b > 0x1.55429a56cca59p-4 * distance) {
        double all = b + 0.5 * distance;
        y = distance / all * 0x1.2aa8534ad994bp+0 - 1.0;
        s = all * ql_sum8(ql_near_c, y);
    } else {
        r = ql_sqrt(-2.0 * ql_log(b / distance));
        y = 0x1.2eff02778b31fp+2 / r + (-0x1.1fa2d8d670a74p+0);
        s = distance / (r * ql_sum8(ql_far_c, y));
    }
    return s * (1.0 + s * s * (1.0 / 24)) / (1.0 + x * x * (1.0 / 24));
}

/* The s at which b(s) = b: Halley's steps on ln b, or on ln(top - b) where b is above half of its
 * bound top = exp(x/2); bisection where a step leaves the bracket. */
static inline double ql_total_vol(double b, double x, double top, double distance) {
    double low = 0.0, high = 2.0 * QL_WIDE, s = ql_guess(b, x, distance), f, v, c, step, next;
    int turn, upper = b > 0.5 * top;
    if (!(s > low && s < high)) s = 1.0;
    for (turn = 0; turn < 100; turn++) {
        ql_normal_t n = ql_normal(x, s);
        double left = upper ? top - n.b : n.b;
        next = -1.0;
        if (left > 0.0 && n.slope > 0.0) {
            f = upper ? ql_log((top - b) / left) : ql_log(left / b);
            v = n.slope / left;
            c = upper ? n.curl + v : n.curl - v;
            step = f / v;
            if (ql_abs(step * c) < 1.0) step = step / (1.0 - 0.5 * step * c);
            next = s - step;
            if (ql_abs(step) <= 1e-6 * s) return next; /* before the bracket, or it leaps away */
        }
        if (n.b > b) high = s;
        else low = s;
        if (!(next > low && next < high)) next = 0.5 * (low + high);
        s = next;
    }
    return s;
}

/* Volatility at which the option is worth price, and its status; 0 unless the status is QL_OK. */
static inline int ql_implied(
    double price, double forward, double strike, double root_t, int call, double *sigma
) {
    double in = ql_intrinsic(forward, strike, call), root, b, x, top;
    *sigma = 0.0;
    if (!(price > 0.0)) return QL_NO_QUOTE;
    if (price >= (call ? forward : strike)) return QL_ABOVE_BOUND;
    root = ql_sqrt(forward * strike);
    b = (price - in) / root;
    if (!(b > 1e-290)) return QL_BELOW_INTRINSIC;
    x = -ql_abs(ql_log_ratio(forward, strike));
    top = ql_exp(0.5 * x);
    if (b >= top) return QL_ABOVE_BOUND;
    *sigma = ql_total_vol(b, x, top, ql_abs(forward - strike) / root) / root_t;
    return QL_OK;
}
#endif
