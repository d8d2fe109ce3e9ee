/* sgd.h: per-sample SGD over one block of rows.  One loop for every loss, penalty, schedule, layout and number of
 * outputs; it is compiled for dense and CSR rows, one and many outputs.
 *
 * The order of a sample's parts is scikit-learn's, whose coefficients it reproduces: objective, gradient, decay of the
 * weights, step, intercept, average, L1 truncation.  Two things are arranged differently and change no result:
 * the step of a sample and the product with the next one share one pass over the weights (sweep.h); and with short dense
 * rows that pass runs one sample late (`lag`), so that it overlaps the latency of exp and divide: the product z of the
 * next row is then taken with weights that lack this sample's step c·x and is corrected by c·(x·next). */

/* gradients above this are cut, as in scikit-learn: the step stays finite while the weights are */
#define SGD_MAX_GRADIENT R(1e12)
/* below this the lazy factor is folded into the weights, before it loses precision */
#define SGD_MIN_SCALE (sizeof(real) == 4 ? 1e-6 : 1e-9)
/* rows up to this many elements run with lag: measured, longer ones hide the latency themselves */
#define SGD_LAG_ELEMENTS (8 * VLEN)
/* bytes of rows to come that are under way from memory, unless the caller knows better */
#define SGD_BYTES_AHEAD 9000
#define SGD_MAX_ROWS_AHEAD 24
/* of rows longer than a page's quarter, so many lines are asked for before the step of a sample, whose latency they fill */
#define SGD_FIRST_LINES 3
#define SGD_LONG_ROW 1024

/* w ← scale·w and w_avg ← (w_avg + avg_a·w)/avg_b for one output, `stride` elements between its d weights */
FO_INLINE void F(settle_loop)(const int averages, ptrdiff_t d, ptrdiff_t stride, double scale, double avg_a, double avg_b,
                              real *restrict w, real *restrict w_avg) {
    for (ptrdiff_t i = 0; i < d; i++) {
        if (averages) w_avg[i * stride] = (real)((w_avg[i * stride] + avg_a * w[i * stride]) / avg_b);
        w[i * stride] = (real)(scale * w[i * stride]);
    }
}

FO_KERNEL void F(settle_weights)(ptrdiff_t d, ptrdiff_t stride, double scale, double avg_a, double avg_b, real *w,
                              real *w_avg) {
    if (stride == 1 && w_avg) F(settle_loop)(1, d, 1, scale, avg_a, avg_b, w, w_avg);
    else if (stride == 1) F(settle_loop)(0, d, 1, scale, avg_a, avg_b, w, NULL);
    else if (w_avg) F(settle_loop)(1, d, stride, scale, avg_a, avg_b, w, w_avg);
    else F(settle_loop)(0, d, stride, scale, avg_a, avg_b, w, NULL);
}

/* as above, with the state that goes with it */
FO_INLINE void F(settle_output)(ptrdiff_t d, const fo_outputs *out, ptrdiff_t j, fo_output *o) {
    const ptrdiff_t at = j * out->output_stride;
    F(settle_weights)(d, out->feature_stride, o->scale, o->avg_a, o->avg_b, (real *)out->w + at,
                      out->w_avg ? (real *)out->w_avg + at : NULL);
    o->sq_norm *= o->scale * o->scale;
    o->l1_norm *= o->scale;
    o->scale = o->avg_b = 1;
    o->avg_a = 0;
}

FO_KERNEL void F(sgd_settle)(ptrdiff_t d, fo_outputs *out) {
    for (ptrdiff_t j = 0; j < out->k; j++) F(settle_output)(d, out, j, &out->o[j]);
}

/* Tsuruoka's cumulative L1 penalty on the weights that x touches; leaves ‖w‖₂² and ‖w‖₁ of before in o */
FO_INLINE void F(l1_truncate)(const int layout, F(row) x, ptrdiff_t stride, real *w, real *q, int stepped, fo_output *o) {
    const real scale = (real)o->scale, inverse = (real)(1 / o->scale), sum = (real)o->l1_sum;
    real sq_norm = 0, l1_norm = 0;
    FO_SIMD_SUM(sq_norm, l1_norm)
    for (ptrdiff_t i = 0; i < x.m; i++) {
        const ptrdiff_t f = layout == FO_DENSE ? i : column(layout, x.columns, i) * stride;
        const real was = w[f], above = was - (sum + q[f]) * inverse, below = was + (sum - q[f]) * inverse;
        const real now = was > 0 ? (above > 0 ? above : 0) : was < 0 ? (below < 0 ? below : 0) : was;
        sq_norm += was * was;
        l1_norm += was < 0 ? -was : was;
        q[f] += scale * (now - was);
        w[f] = now;
    }
    if (stepped) {
        o->sq_norm = (double)sq_norm;
        o->l1_norm = (double)l1_norm;
    }
}

/* the penalty as the stopping criterion counts it, before the step of a sample */
FO_INLINE double F(penalty_now)(const fo_sgd *sgd, const fo_output *o) {
    double penalty = 0.5 * sgd->l2 * o->sq_norm * (o->scale * o->scale);
    if (sgd->l1 > 0) penalty += sgd->l1 * o->l1_norm * o->scale;
    if (sgd->one_class) penalty += o->b * sgd->penalty.alpha;
    return penalty;
}

/* the factor of the gradient in the passive-aggressive step (Crammer 2006): −min(lr, loss/‖x‖²), −loss/(‖x‖² + 1/(2·lr)) */
FO_INLINE real F(passive_aggressive)(const fo_sgd *sgd, real y, real p, real lr, double square) {
    real value = p;
    F(loss_values)(&sgd->loss, 1, &y, &value);
    if (sgd->schedule.kind == FO_SCHEDULE_pa2) return (real)(-value / (square + 0.5 / lr));
    return value / square < lr ? (real)(-value / square) : -lr;
}

/* the running average of weights and intercept after a step; returns the coefficient of x in w_avg */
FO_INLINE real F(average_step)(const fo_sgd *sgd, double t, real c, fo_output *o) {
    const double count = t - sgd->average + 1, mu = 1 / count;
    const real c_avg = (real)(-o->avg_a * c);
    if (count > 1) o->avg_b /= 1 - mu;
    o->avg_a += mu * o->avg_b * o->scale;
    o->b_avg += (o->b - o->b_avg) * mu;
    return c_avg;
}

/* What one sample does to output j, g·factor being its step: decay of the weights, intercept.  Returns the coefficient of x
 * in w.  All but the last two products is known before g. */
FO_INLINE real F(step_output)(const int plain, const fo_sgd *sgd, ptrdiff_t d, const fo_outputs *out, ptrdiff_t j, real factor, real g,
                              double lr, fo_output *o, real *z) {
    const double decay = 1 - sgd->l2 * lr;
    o->scale *= decay > 0 ? decay : 0;
    if (FO_UNLIKELY(o->scale < SGD_MIN_SCALE)) {
        *z *= (real)o->scale;
        F(settle_output)(d, out, j, o);
    }
    if (!plain && sgd->one_class) o->b -= lr * sgd->penalty.alpha * sgd->intercept_share;
    o->b += (double)(g * factor) * sgd->intercept_share;
    if (!plain) o->l1_sum += sgd->l1 * lr;
    return g * (factor * (real)(1 / o->scale));
}

/* adds each output's losses to its loss_sum, but for samples that weigh nothing; p becomes the values */
FO_INLINE void F(sum_losses)(const fo_loss *loss, ptrdiff_t n, ptrdiff_t k, const real *y, const real *weight, real *p, fo_output *o) {
    F(loss_values)(loss, n * k, y, p);
    for (ptrdiff_t i = 0; weight && i < n; i++)
        for (ptrdiff_t j = 0; weight[i] == 0 && j < k; j++) p[i * k + j] = 0;
    for (ptrdiff_t j = 0; j < k; j++) {
        double sum = o[j].loss_sum; /* one sum over all blocks: its bits do not depend on their size */
        for (ptrdiff_t i = 0; i < n; i++) sum += (double)p[i * k + j];
        o[j].loss_sum = sum;
    }
}

/* What a loop over a block holds: constants of the call, then what each sample changes. */
typedef struct {
    const fo_sgd *sgd;
    const fo_matrix *X;
    const fo_block *block;
    const fo_outputs *out;
    ptrdiff_t k, stride;   /* outputs; distance in w, as in sweep.h */
    ptrdiff_t ahead;       /* rows between the one at work and the one that is prefetched */
    fo_output *o;
    real *p, *z, *g, *c;   /* k each */
    real *predictions;     /* where the predictions are kept, for the values of the losses */
    double t;
} F(sgd_state);

/* rows between the one at work and the one that is prefetched: at least the one after the next */
FO_INLINE ptrdiff_t F(rows_ahead)(const fo_matrix *X, const fo_block *block) {
    const ptrdiff_t dense = X->d * (ptrdiff_t)sizeof(real), sizes = (ptrdiff_t)sizeof(real) + (X->layout == FO_CSR32 ? 4 : 8);
    const ptrdiff_t row = X->layout == FO_DENSE ? dense : (row_start(X->layout, X, X->n) / X->n + 1) * sizes;
    const ptrdiff_t bytes = block->bytes_ahead > 0 ? block->bytes_ahead : SGD_BYTES_AHEAD;
    const ptrdiff_t ahead = 2 + (bytes - 1) / row;
    return ahead < SGD_MAX_ROWS_AHEAD ? ahead : SGD_MAX_ROWS_AHEAD;
}

/* the number of row i of the block, of the last one past its end; and that row */
FO_INLINE ptrdiff_t F(row_number)(const F(sgd_state) *s, ptrdiff_t i) { return s->block->rows[i < s->block->n ? i : s->block->n - 1]; }
FO_INLINE F(row) F(block_row)(const int layout, const F(sgd_state) *s, ptrdiff_t i) {
    return F(row_of)(layout, s->X, F(row_number)(s, i));
}

/* Gradients and steps of sample i: from p to the objective, c and w_avg.  `factor` is what the (last) gradient was multiplied
 * by.  `plain`: no averages, no passive-aggressive steps, no l1, not one_class, and the caller counts the penalty.
 * Nonzero if any weight is to move. */
FO_INLINE int F(sgd_step)(const int layout, const int one, const int plain, F(sgd_state) *s, F(row) x, ptrdiff_t i,
                          real *factor) {
    const fo_sgd *sgd = s->sgd;
    const real *y = (const real *)s->block->y + i * s->k, *sample = s->block->weight;
    const int pa = !plain && sgd->schedule.kind >= FO_SCHEDULE_pa1;
    const int average = !plain && sgd->average > 0 && s->t >= sgd->average;
    const real weight = sample ? sample[i] : 1;
    const double square = pa ? F(row_square)(x) : 1;
    const double rate = s->block->lr[i];
    int moved = 0;
    if (!plain && sgd->counts_penalty)
        for (ptrdiff_t j = 0; j < s->k; j++) s->o[j].penalty_sum += F(penalty_now)(sgd, &s->o[j]);
    if (pa && square == 0 && sgd->schedule.kind == FO_SCHEDULE_pa1) { /* nothing to learn from, and no step is counted */
        for (ptrdiff_t j = 0; j < s->k; j++) s->c[j] = 0;
        return 0;
    }
    F(loss_grads)(&sgd->loss, s->k, y, s->p, s->g);
    for (ptrdiff_t j = 0; j < s->k; j++) {
        fo_output *o = &s->o[j];
        const double lr = rate * o->lr_factor;
        const real own = weight * (real)o->class_weight[y[j] > 0];
        *factor = (pa ? F(passive_aggressive)(sgd, y[j], s->p[j], (real)lr, square) : -(real)lr) * weight *
                  (real)o->class_weight[y[j] > 0];
        if (FO_UNLIKELY(own == 0)) *factor = s->g[j] = 0; /* whatever was predicted */
        if (FO_UNLIKELY(s->g[j] > SGD_MAX_GRADIENT)) s->g[j] = SGD_MAX_GRADIENT;
        if (FO_UNLIKELY(s->g[j] < -SGD_MAX_GRADIENT)) s->g[j] = -SGD_MAX_GRADIENT;
        s->c[j] = F(step_output)(plain, sgd, s->X->d, s->out, j, *factor, s->g[j], lr, o, &s->z[j]);
        moved |= s->c[j] != 0;
    }
    if (average) {
        for (ptrdiff_t j = 0; j < s->k; j++) s->g[j] = F(average_step)(sgd, s->t, s->c[j], &s->o[j]);
        F(sweep)(layout, one, SWEEP_ADD, s->k,
                 (F(sweep_args)){.x = x, .w = s->out->w_avg, .stride = s->stride, .c = s->g, .z = s->z});
    }
    s->t += 1;
    return moved;
}

/* truncate every output's weights that x touched */
FO_INLINE void F(sgd_truncate)(const int layout, F(sgd_state) *s, F(row) x) {
    for (ptrdiff_t j = 0; j < s->k; j++) {
        const ptrdiff_t at = j * s->out->output_stride;
        F(l1_truncate)(layout, x, s->out->feature_stride, (real *)s->out->w + at, (real *)s->out->q + at, s->c[j] != 0,
                       &s->o[j]);
    }
}

/* the samples of a block, one after the other */
FO_INLINE void F(sgd_samples)(const int layout, const int one, F(sgd_state) *s) {
    const int l1 = s->sgd->l1 > 0;
    F(sweep_args) w = {.w = s->out->w, .stride = s->stride, .c = s->c, .z = s->z,
                       .o = l1 || !s->sgd->counts_penalty ? NULL : s->o};
    F(row) x = F(block_row)(layout, s, 0);
    real factor;
    w.next = x;
    F(sweep)(layout, one, SWEEP_DOT, s->k, w);
    for (ptrdiff_t i = 0; i < s->block->n; i++, x = w.next) {
        for (ptrdiff_t j = 0; j < s->k; j++)
            s->predictions[j] = s->p[j] = F(fma_)((real)s->o[j].scale, s->z[j], (real)s->o[j].b);
        w.next = F(block_row)(layout, s, i + 1);
        w.x = x;
        w.ahead = F(block_row)(layout, s, i + s->ahead);
        prefetch_start(layout, s->X, F(row_number)(s, i + 2 * s->ahead));
        if (layout == FO_DENSE && s->X->d * (ptrdiff_t)sizeof(real) > SGD_LONG_ROW) prefetch_bytes(w.ahead.x, SGD_FIRST_LINES * 64);
        const int moved = F(sgd_step)(layout, one, 0, s, x, i, &factor);
        if (l1) {
            if (moved) F(sweep)(layout, one, SWEEP_ADD, s->k, w);
            F(sgd_truncate)(layout, s, x);
            F(sweep)(layout, one, SWEEP_DOT | SWEEP_AHEAD, s->k, w);
        } else if (moved) {
            F(sweep)(layout, one, SWEEP_ADD | SWEEP_DOT | SWEEP_AHEAD, s->k, w);
        } else {
            F(sweep)(layout, one, SWEEP_DOT | SWEEP_AHEAD, s->k, w);
        }
        s->predictions += s->k;
    }
}

/* The same for one output of short dense rows under plain SGD, the sweep one sample late.  With f·g the step of sample i, its
 * correction joins the prediction of the next sample in one operation: p = (scale·z + b) + g·f·(x·next + intercept_share),
 * all but g known beforehand, so that only exp and divide stand between one prediction and the next. */
FO_INLINE void F(sgd_samples_late)(F(sgd_state) *s) {
    const int does = SWEEP_ADD | SWEEP_DOT | SWEEP_AHEAD | SWEEP_LATE;
    F(row) before = F(block_row)(FO_DENSE, s, 0), x = before;
    F(sweep_args) w = {.next = x, .w = s->out->w, .stride = s->stride, .c = s->c, .z = s->z, .o = NULL};
    const real share = (real)s->sgd->intercept_share;
    real factor = 0, b = (real)s->o->b, b_step = 0; /* the intercept is b + b_step: o->b in double is late on the way to p */
    F(sweep)(FO_DENSE, 1, SWEEP_DOT, 1, w);
    real p = F(fma_)((real)s->o->scale, s->z[0], b);
    s->c[0] = 0;
    w.norms = F(vset)(0);
    for (ptrdiff_t i = 0; i < s->block->n; i++, before = x, x = w.next) {
        *s->predictions = s->p[0] = p;
        w.next = F(block_row)(FO_DENSE, s, i + 1);
        w.x = before;
        w.between = x.x;
        w.ahead = F(block_row)(FO_DENSE, s, i + s->ahead);
        w.norm_factor = (real)(s->o->scale * s->o->scale);
        F(sweep_tile)(1, does, &w);
        const real b_now = b + b_step;
        b = (real)s->o->b;
        F(sgd_step)(FO_DENSE, 1, 1, s, x, i, &factor);
        const real ahead = factor != 0 ? factor * (w.product + share) : 0; /* what weighs nothing may have infinite products */
        p = F(fma_)(s->g[0], ahead, F(fma_)((real)s->o->scale, s->z[0], b_now));
        b_step = s->g[0] * (factor * share);
        s->predictions++;
    }
    if (s->sgd->counts_penalty) s->o->penalty_sum += 0.5 * s->sgd->l2 * (double)F(vsum)(w.norms);
    w.x = before;
    w.o = s->o;
    F(sweep)(FO_DENSE, 1, SWEEP_ADD, 1, w);
}

FO_INLINE double F(sgd_block)(const int layout, const int one, const int lag, const fo_sgd *sgd, const fo_matrix *X,
                              const fo_block *block, fo_outputs *out) {
    real local[4] = {0};
    fo_output state = out->o[0];
    F(sgd_state) s = {.sgd = sgd, .X = X, .block = block, .out = out,
                      .k = one ? 1 : out->k, .stride = layout == FO_DENSE ? out->output_stride : out->feature_stride,
                      .ahead = F(rows_ahead)(X, block),
                      .o = one ? &state : out->o, .predictions = block->p, .p = one ? local + 3 : out->p,
                      .z = one ? local : out->z, .g = one ? local + 1 : out->g, .c = one ? local + 2 : out->c,
                      .t = block->t};
    if (lag) F(sgd_samples_late)(&s);
    else F(sgd_samples)(layout, one, &s);
    if (one) out->o[0] = state;
    if (!F(all_finite)(block->n * s.k, block->p)) out->nonfinite = 1;
    F(sum_losses)(&sgd->loss, block->n, s.k, block->y, block->weight, block->p, out->o);
    return s.t;
}

FO_KERNEL double F(sgd_rows)(const fo_sgd *sgd, const fo_matrix *X, const fo_block *block, fo_outputs *out) {
    const int one = out->single_output, csr32 = X->layout == FO_CSR32;
    if (X->layout == FO_DENSE) {
        const int lag = X->d <= SGD_LAG_ELEMENTS && sgd->l1 == 0 && !sgd->one_class && sgd->average == 0 &&
                        sgd->schedule.kind < FO_SCHEDULE_pa1;
        if (one && lag) return F(sgd_block)(FO_DENSE, 1, 1, sgd, X, block, out);
        if (one) return F(sgd_block)(FO_DENSE, 1, 0, sgd, X, block, out);
        return F(sgd_block)(FO_DENSE, 0, 0, sgd, X, block, out);
    }
    if (one && csr32) return F(sgd_block)(FO_CSR32, 1, 0, sgd, X, block, out);
    if (one) return F(sgd_block)(FO_CSR64, 1, 0, sgd, X, block, out);
    if (csr32) return F(sgd_block)(FO_CSR32, 0, 0, sgd, X, block, out);
    return F(sgd_block)(FO_CSR64, 0, 0, sgd, X, block, out);
}
