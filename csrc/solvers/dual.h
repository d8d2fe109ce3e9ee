/* dual.h: dual coordinate descent (SDCA) over one block of samples.  Each sample i has a dual variable u_i, minus the derivative
 * of its loss, and the weights are w = soft(v, l1), v = Σ weight_i·u_i·x_i, where weight_i = sample weight/(l2·Σ sample weights).
 * A step chooses u_i so that it is minus a derivative at the prediction that this very step leads to (conjugates.h), which
 * is the best u_i if l1 is 0, and else not worse than before.  Used by _solvers/stochastic/_sdca.pyx.
 *
 * The dual objective rises with every step, whatever the order, without a learning rate; a row costs a product and an addition. */

/* the steps of weights and v: v ← v + c·x, w ← soft(v, l1) */
FO_INLINE void F(dual_add_soft)(const int layout, const fo_dual *dual, F(row) x, real c, real *restrict v, real *restrict w) {
    const real l1 = (real)dual->l1;
    for (ptrdiff_t i = 0; i < x.m; i++) {
        const ptrdiff_t j = layout == FO_DENSE ? i : column(layout, x.columns, i);
        v[j] = F(fma_)(c, x.x[i], v[j]);
        w[j] = dual->positive ? F(max_)(0, v[j] - l1) : F(soft)(v[j], l1);
    }
}

/* what a sample's step needs to know of the block */
typedef struct {
    const fo_dual *dual;
    const fo_visits *block;
    fo_dual_output *out;
} F(dual_state);

/* The step of sample i with prediction p: u and what goes with it.  Returns by how much of x v is to move. */
FO_INLINE real F(dual_sample)(F(dual_state) *s, ptrdiff_t i, real p) {
    const fo_loss *loss = &s->dual->loss;
    const ptrdiff_t sample = s->block->samples[i];
    const real y = ((const real *)s->block->y)[i], weight = ((const real *)s->block->weight)[i];
    real *at = (real *)s->out->u + sample;
    if (FO_UNLIKELY(weight == 0)) { /* whatever was predicted */
        ((real *)s->out->before)[i] = *at;
        return 0;
    }
    const real u = *at, h = (real)(weight * s->out->square[sample]), next = F(dual_step)(loss, y, u, p, h);
    const real moved = F(abs_)(h * (next - u)), margin = (real)s->dual->shrink_margin;
    ((real *)s->out->before)[i] = u;
    *at = next;
    if (moved > s->out->largest_move) s->out->largest_move = moved;
    if (s->out->shrunk && next == u && F(dual_step)(loss, y, u, p - margin, h) == u &&
        F(dual_step)(loss, y, u, p + margin, h) == u)
        s->out->shrunk[sample] = 1;
    return weight * (next - u);
}

/* the samples of a block, one after the other */
FO_INLINE void F(dual_samples)(const int layout, const int soft, F(dual_state) *s, const fo_matrix *X) {
    const fo_visits *block = s->block;
    const ptrdiff_t mean = layout == FO_DENSE ? X->d : row_start(layout, X, X->n) / X->n + 1;
    const ptrdiff_t distance = 2 + 3000 / (mean * (ptrdiff_t)sizeof(real)), last = block->n - 1;
    const real column_value = (real)s->dual->column;
    real c = 0, z = 0, *p = block->p;
    F(sweep_args) w = {.w = s->out->w, .c = &c, .z = &z, .next = F(row_of)(layout, X, block->rows[0])};
    F(sweep)(layout, 1, SWEEP_DOT, 1, w);
    for (ptrdiff_t i = 0; i <= last; i++) {
        const ptrdiff_t ahead = i + distance < last ? i + distance : last;
        w.x = w.next;
        w.next = F(row_of)(layout, X, block->rows[i < last ? i + 1 : last]);
        w.ahead = F(row_of)(layout, X, block->rows[ahead]);
        FO_PREFETCH((real *)s->out->u + block->samples[ahead]);
        FO_PREFETCH(s->out->square + block->samples[ahead]);
        p[i] = F(fma_)(column_value, (real)s->out->v_column, z) + (real)s->out->b;
        c = F(dual_sample)(s, i, p[i]);
        s->out->v_column += (double)(c * column_value);
        if (soft) {
            if (c != 0) F(dual_add_soft)(layout, s->dual, w.x, c, s->out->v, s->out->w);
            F(sweep)(layout, 1, SWEEP_DOT | SWEEP_AHEAD, 1, w);
        } else if (c != 0) {
            F(sweep)(layout, 1, SWEEP_ADD | SWEEP_DOT | SWEEP_AHEAD, 1, w);
        } else {
            F(sweep)(layout, 1, SWEEP_DOT | SWEEP_AHEAD, 1, w);
        }
    }
}

/* Σ weight·(loss + conjugate + u·p) and Σ weight·loss over n samples; values (n,) is scratch, p is used up */
FO_INLINE void F(dual_sums)(const fo_loss *loss, ptrdiff_t n, const real *y, const real *u, const real *weight, real *p,
                            real *values, double *gap_sum, double *loss_sum) {
    F(loss_gaps)(loss, n, y, p, u, values);
    *gap_sum += (double)F(loss_sum)(n, weight, values);
    F(loss_values)(loss, n, y, p);
    *loss_sum += (double)F(loss_sum)(n, weight, p);
}

FO_KERNEL void F(dual_rows)(const fo_dual *dual, const fo_matrix *X, const fo_visits *block, fo_dual_output *out) {
    F(dual_state) s = {dual, block, out};
    const int soft = dual->l1 > 0 || dual->positive;
    real values[LOSS_CHUNK];
    if (X->layout == FO_DENSE && soft) F(dual_samples)(FO_DENSE, 1, &s, X);
    else if (X->layout == FO_DENSE) F(dual_samples)(FO_DENSE, 0, &s, X);
    else if (X->layout == FO_CSR32 && soft) F(dual_samples)(FO_CSR32, 1, &s, X);
    else if (X->layout == FO_CSR32) F(dual_samples)(FO_CSR32, 0, &s, X);
    else if (soft) F(dual_samples)(FO_CSR64, 1, &s, X);
    else F(dual_samples)(FO_CSR64, 0, &s, X);
    for (ptrdiff_t at = 0; at < block->n; at += LOSS_CHUNK)
        F(dual_sums)(&dual->loss, block->n - at < LOSS_CHUNK ? block->n - at : LOSS_CHUNK, (const real *)block->y + at,
                     (const real *)out->before + at, (const real *)block->weight + at, (real *)block->p + at, values,
                     &out->gap_sum, &out->loss_sum);
}

/* as dual_sums, of any n; p is used up */
FO_KERNEL void F(dual_gap)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *u, const void *weight, void *p,
                        double *sums) {
    real values[LOSS_CHUNK];
    for (ptrdiff_t at = 0; at < n; at += LOSS_CHUNK)
        F(dual_sums)(loss, n - at < LOSS_CHUNK ? n - at : LOSS_CHUNK, (const real *)y + at, (const real *)u + at,
                     weight ? (const real *)weight + at : NULL, (real *)p + at, values, sums, sums + 1);
}

/* squares[i] = ‖x_rows[i]‖², to the precision of X */
FO_KERNEL void F(row_squares)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, double *squares) {
    for (ptrdiff_t i = 0; i < n; i++) {
        const F(row) x = X->layout == FO_DENSE ? F(row_of)(FO_DENSE, X, rows[i])
                       : X->layout == FO_CSR32 ? F(row_of)(FO_CSR32, X, rows[i]) : F(row_of)(FO_CSR64, X, rows[i]);
        squares[i] = (double)F(row_dot)(FO_DENSE, x, x.x); /* the values of a CSR row lie as densely */
    }
}

#if REAL_IS_FLOAT
/* whether a loss is one of FO_DUAL_LOSSES */
FO_KERNEL int dual_accepts(int kind) {
    switch (kind) {
#define ACCEPTS(name) \
    case FO_LOSS_##name: return 1;
        FO_DUAL_LOSSES(ACCEPTS)
#undef ACCEPTS
        default: return 0;
    }
}
#endif
