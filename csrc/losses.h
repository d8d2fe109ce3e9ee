/* losses.h: each loss once: its value and its derivative in the raw prediction p.  Used by every loop over samples.
 * A loss is a pure, branch-free function of its parameters (a, b), the target y and p; callers that need one of the two
 * results do not pay for the other. */
typedef struct { real value, grad; } F(fo_pair);

/* (p − y)² / 2 */
FO_INLINE F(fo_pair) F(loss_squared_error)(real a, real b, real y, real p) {
    const real r = p - y;
    (void)a; (void)b;
    return (F(fo_pair)){R(0.5) * r * r, r};
}

/* log(1 + exp(p)) − y·p, y in [0, 1] */
FO_INLINE F(fo_pair) F(loss_log_loss)(real a, real b, real y, real p) {
    const real e = F(exp_)(p < 0 ? p : -p); /* exp(−|p|): never overflows */
    (void)a; (void)b;
    return (F(fo_pair)){F(log1p_)(e) + (p < 0 ? -y * p : (1 - y) * p),
                        (p < 0 ? (1 - y) * e - y : (1 - y) - y * e) / (1 + e)};
}

/* max(0, 1 − y·p), y = ±1 */
FO_INLINE F(fo_pair) F(loss_hinge)(real a, real b, real y, real p) {
    const real z = 1 - y * p;
    (void)a; (void)b;
    return (F(fo_pair)){z < 0 ? 0 : z, z < 0 ? 0 : -y};
}

FO_INLINE F(fo_pair) F(loss_absolute_error)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_huber)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_quantile)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_epsilon_insensitive)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_squared_epsilon_insensitive)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_log_cosh)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_general_robust)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_poisson)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_gamma)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_tweedie)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_squared_hinge)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_smooth_hinge)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_modified_huber)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_perceptron)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_exponential)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }

FO_INLINE F(fo_pair) F(loss_focal)(real a, real b, real y, real p) { return F(loss_squared_error)(a, b, y, p); }
