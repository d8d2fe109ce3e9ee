/* conjugates.h: for each loss of FO_DUAL_LOSSES, once: its convex conjugate, and the step of dual coordinates.  Both are told a
 * dual variable u = −derivative of the loss.  Used by dual.h and by duality gaps; parameters and targets are those of losses.h.
 *
 *     conjugate(u) = sup over p of −u·p − loss(p), infinite outside what derivatives there are
 *     step(u, p, h) = the u' that is minus a derivative at p + h·(u' − u): how far p itself moves if u does, by h = weight·‖x‖²
 *                     a unit.  With h = 0 it is minus the derivative at p. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

#define FO_CONJUGATE(name) FO_INLINE real F(conjugate_##name)(real a, real b, real y, real u)
#define FO_DUAL_STEP(name) FO_INLINE real F(dual_##name)(real a, real b, real y, real u, real p, real h)

FO_INLINE real F(within)(real x, real low, real high) { return x < low ? low : x > high ? high : x; }
/* `value` where u lies in what derivatives there are, else infinity */
FO_INLINE real F(only_if)(int inside, real value) { return inside ? value : (real)INFINITY; }
/* a divisor that is never 0 */
FO_INLINE real F(not_zero)(real h) { return h > FO_LEAST_NORMAL ? h : FO_LEAST_NORMAL; }
/* x·log(x), 0 at 0 */
FO_INLINE real F(x_log_x)(real x) { return x > 0 ? x * F(log_)(x) : 0; }

/* ---- real targets: with r = y − p + h·u the step solves u' + … = r ---- */

FO_CONJUGATE(squared_error) { return R(0.5) * u * u - u * y; }
FO_DUAL_STEP(squared_error) { return u + (y - p - u) / (1 + h); }

FO_CONJUGATE(absolute_error) { return F(only_if)(F(abs_)(u) <= 1, -u * y); }
FO_DUAL_STEP(absolute_error) { return F(within)(F(fma_)(h, u, y - p) / F(not_zero)(h), -1, 1); }

FO_CONJUGATE(huber) { return F(only_if)(F(abs_)(u) <= a, R(0.5) * u * u - u * y); }
FO_DUAL_STEP(huber) { return F(within)(u + (y - p - u) / (1 + h), -a, a); }

FO_CONJUGATE(quantile) { return F(only_if)(u >= a - 1 && u <= a, -u * y); }
FO_DUAL_STEP(quantile) { return F(within)(F(fma_)(h, u, y - p) / F(not_zero)(h), a - 1, a); }

FO_CONJUGATE(epsilon_insensitive) { return F(only_if)(F(abs_)(u) <= 1, a * F(abs_)(u) - u * y); }
FO_DUAL_STEP(epsilon_insensitive) {
    const real r = F(fma_)(h, u, y - p);
    return F(copysign_)(F(within)((F(abs_)(r) - a) / F(not_zero)(h), 0, 1), r);
}

FO_CONJUGATE(squared_epsilon_insensitive) { return a * F(abs_)(u) + R(0.25) * u * u - u * y; }
FO_DUAL_STEP(squared_epsilon_insensitive) {
    const real r = F(fma_)(h, u, y - p), excess = F(abs_)(r) - a;
    return F(copysign_)(excess > 0 ? 2 * excess / F(fma_)(2, h, 1) : 0, r);
}

/* ---- margins: u = y·s, s >= 0, and with gap = 1 − y·p + h·s ---- */

FO_CONJUGATE(hinge) { return F(only_if)(y * u >= 0 && y * u <= 1, -y * u); }
FO_DUAL_STEP(hinge) { return y * F(within)(F(fma_)(h, y * u, 1 - y * p) / F(not_zero)(h), 0, 1); }

FO_CONJUGATE(squared_hinge) { return F(only_if)(y * u >= 0, R(0.25) * u * u - y * u); }
FO_DUAL_STEP(squared_hinge) {
    const real gap = F(fma_)(h, y * u, 1 - y * p);
    return y * (gap > 0 ? 2 * gap / F(fma_)(2, h, 1) : 0);
}

FO_CONJUGATE(smooth_hinge) { return F(only_if)(y * u >= 0 && y * u <= 1, R(0.5) * u * u - y * u); }
FO_DUAL_STEP(smooth_hinge) { return y * F(within)(F(fma_)(h, y * u, 1 - y * p) / (1 + h), 0, 1); }

FO_CONJUGATE(modified_huber) { return F(only_if)(y * u >= 0 && y * u <= 4, R(0.25) * u * u - y * u); }
FO_DUAL_STEP(modified_huber) { return y * F(within)(2 * F(fma_)(h, y * u, 1 - y * p) / F(fma_)(2, h, 1), 0, 4); }

FO_CONJUGATE(perceptron) { return F(only_if)(y * u >= 0 && y * u <= 1, 0); }
FO_DUAL_STEP(perceptron) { return y * F(within)(F(fma_)(h, y * u, -y * p) / F(not_zero)(h), 0, 1); }

/* ---- probabilities: u = y − q, q = σ(p) ---- */

FO_CONJUGATE(log_loss) {
    const real q = y - u, rest = 1 - q;
    return F(only_if)(q >= 0 && q <= 1, F(x_log_x)(q) + F(x_log_x)(rest));
}

/* p' + h·σ(p') = v.  On the side of 0 where p' lies, z = ±p' >= 0 solves z + h·σ(z) = V, which is concave, so that Newton's
 * steps reach it from below without passing it, from above by passing it once.  They start at p, where the solution is when all
 * is done, and end with one so small that σ is linear along it; by which linear σ, between 0 and 1, the result is taken. */
FO_DUAL_STEP(log_loss) {
    const real v = F(fma_)(h, y - u, p), side = v > R(0.5) * h ? 1 : -1, V = side > 0 ? v : h - v;
    real z = side * p > 0 ? side * p : 0, rest = 0; /* rest = 1 − σ(z) */
    z = z < V ? z : V;
    for (int i = 0; i < 40; i++) {
        const real e = F(exp_)(-z), upper = 1 / (1 + e), slope = e * upper * upper;
        const real next = z - F(fma_)(h, upper, z - V) / F(fma_)(h, slope, 1), moved = (next > 0 ? next : 0) - z;
        rest = e * upper - slope * moved;
        z += moved;
        if (F(abs_)(moved) < R(0.25)) break;
    }
    return side > 0 ? (y - 1) + rest : y - rest;
}

#undef FO_CONJUGATE
#undef FO_DUAL_STEP

/* the step of a loss; the switch is inlined, so a predicted branch */
FO_INLINE real F(dual_step)(const fo_loss *loss, real y, real u, real p, real h) {
    const real a = (real)loss->a, b = (real)loss->b;
    switch (loss->kind) {
#define STEP(name) \
    case FO_LOSS_##name: return F(dual_##name)(a, b, y, u, p, h);
        FO_DUAL_LOSSES(STEP)
#undef STEP
        default: return 0;
    }
}

/* values[i] ← loss(p[i]) + conjugate(u[i]) + u[i]·p[i] >= 0: what the sample adds to the duality gap (Fenchel and Young) */
FO_KERNEL void F(loss_gaps)(const fo_loss *loss, ptrdiff_t n, const real *restrict y, const real *restrict p,
                         const real *restrict u, real *restrict values) {
    const real a = (real)loss->a, b = (real)loss->b;
    switch (loss->kind) {
#define GAPS(name) \
    case FO_LOSS_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) \
            values[i] = F(loss_##name)(a, b, y[i], p[i]).value + F(conjugate_##name)(a, b, y[i], u[i]) + u[i] * p[i]; \
        break;
        FO_DUAL_LOSSES(GAPS)
#undef GAPS
    }
}

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
