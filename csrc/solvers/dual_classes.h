/* dual_classes.h: dual coordinates of the hinges of several classes over one block of samples, all k outputs of a sample at once.  Used by
 * _solvers/stochastic/_sdca_classes.pyx.  With b_j = 1 + p_j − p_y of a sample of class y both losses are the largest of Σ π_j·b_j over the j ≠ y,
 * 0 <= π_j <= 1, Σ π_j <= most: 1 for Crammer and Singer, no bound for Weston and Watkins.  The dual variables are minus derivatives,
 * u_j = −π_j and u_y = Σ π_j, the conjugate is −u_y, and weights are w = soft(v, l1), v = Σ weight·u·x, as in dual.h.
 *
 * A step takes the π that are best while all other samples stay: with h = weight·‖x‖² and a_j = b_j/h + π_j + Σ π they are
 * min(max(a_j − θ, 0), 1) where Σ π = min(θ, most).  As l1 moves no prediction by more than v does, they are not worse than before with it. */

#ifndef FO_CLASSES_ONCE
#define FO_CLASSES_ONCE
enum { CLASS_STEPS = 100 }; /* of Newton's method at most; 3 to 5 are usual */

FO_INLINE double class_share(double x) { return x > 1 ? 1 : x > 0 ? x : 0; }
FO_INLINE double class_max(double a, double b) { return a > b ? a : b; }
FO_INLINE double class_min(double a, double b) { return a < b ? a : b; }

/* The θ >= 0 with Σ min(max(a_j − θ, 0), 1) = min(θ, most), no a_j above 2 where `most` is 1.  The difference of the sides falls along straight
 * lines: Newton's method ends on the line of the root, between bounds as it is not convex. */
FO_INLINE double class_threshold(ptrdiff_t k, double *restrict a, double largest, double most) {
    double low = class_share(largest / 2), high = INFINITY, theta = low, *restrict over_low = a + k; /* that of the largest alone */
    ptrdiff_t m = 0;
    for (ptrdiff_t j = 0; j < k; j++) { /* few classes are near enough to count */
        over_low[m] = a[j];
        m += a[j] > low;
    }
    for (int step = 0; step < CLASS_STEPS; step++) {
        double sum = 0, moving = theta < most;
        for (ptrdiff_t j = 0; j < m; j++) {
            const double over = over_low[j] - theta;
            moving += over > 0 && over <= 1;
            sum += class_share(over);
        }
        const double excess = sum - class_min(theta, most);
        if (excess == 0 || (excess > 0 && moving == 0)) break;
        if (excess > 0) low = theta;
        else high = theta;
        double next = moving > 0 ? theta + excess / moving : low; /* behind all a_j it is level */
        if (moving > 0 && fabs(next - theta) <= 2e-16 * (1 + theta)) break;
        if (!(next > low && next < high)) next = (low + high) / 2; /* else it could go back and forth */
        if (next == theta) break;
        theta = next;
    }
    return theta;
}

/* the most that Σ π may be */
FO_INLINE double class_most(int kind) {
    switch (kind) {
#define MOST(name, most) \
    case FO_LOSS_##name: return most;
        FO_CLASS_DUAL_LOSSES(MOST)
#undef MOST
        default: return 0;
    }
}
#endif

/* what a sample's step needs to know of the block */
typedef struct {
    const fo_dual *dual;
    const fo_visits *block;
    fo_dual_classes *out;
    double most;
} F(class_state);

/* What sample i, of predictions p, adds to the sums.  Leaves in a the a_j, less `*shift`; returns the largest of them. */
FO_INLINE double F(class_targets)(F(class_state) *s, ptrdiff_t i, double h, const real *p, const real *u, double *a, double *shift) {
    const ptrdiff_t k = s->out->k, own = (ptrdiff_t)((const real *)s->block->y)[i];
    const double weight = (double)((const real *)s->block->weight)[i];
    double total = 0, linear = 0, highest = 0, sum = 0, largest = -INFINITY, inverse = 1 / h;
    ptrdiff_t top = own;
    for (ptrdiff_t j = 0; j < k; j++) total -= j == own ? 0 : (double)u[j];
    for (ptrdiff_t j = 0; j < k; j++) {
        const double excess = j == own ? 0 : 1 + ((double)p[j] - (double)p[own]);
        linear -= (double)u[j] * excess;
        highest = class_max(highest, excess);
        sum += class_max(excess, 0);
        a[j] = j == own ? -1 : excess * inverse - (double)u[j] + total;
        if (j != own && a[j] > largest) largest = a[j], top = j;
    }
    const double gap = (s->most == 1 ? highest : sum) - linear;
    s->out->gap_sum += weight * gap;
    s->out->loss_sum += weight * (gap + linear);
    *shift = s->most == 1 && largest > 2 ? largest - 2 : 0;
    if (*shift == 0) return largest;
    for (ptrdiff_t j = 0; j < k; j++) /* only differences count: where h is small, those of large numbers would be rounding */
        a[j] = j == own ? -1 : ((double)p[j] - (double)p[top]) * inverse + ((double)u[top] - (double)u[j]) + 2;
    return 2;
}

/* The step of sample i with predictions p: its u, and in c by how much of x the v of each output is to move.  Returns whether any is. */
FO_INLINE int F(class_sample)(F(class_state) *s, ptrdiff_t i, const real *p, real *c) {
    fo_dual_classes *out = s->out;
    const ptrdiff_t k = out->k, sample = s->block->samples[i], own = (ptrdiff_t)((const real *)s->block->y)[i];
    const real weight = ((const real *)s->block->weight)[i];
    real *u = (real *)out->u + sample * k;
    if (FO_UNLIKELY(weight == 0)) return 0; /* whatever was predicted */
    double *a = out->a, h = class_max((double)weight * out->square[sample], 1e-300), shift, total = 0, most = 0, slack = INFINITY;
    const double largest = F(class_targets)(s, i, h, p, u, a, &shift), theta = class_threshold(k, a, largest, s->most);
    for (ptrdiff_t j = 0; j < k; j++) total += class_share(a[j] - theta);
    for (ptrdiff_t j = 0; j < k; j++) {
        const double pi = class_share(a[j] - theta);
        const real next = (real)(j == own ? total : -pi), moved = next - u[j];
        /* how far a_j may move until π_j does */
        slack = j == own ? slack : class_min(slack, pi == 0 ? theta - a[j] : pi == 1 ? a[j] + shift - (total + 1) : 0);
        most = class_max(most, fabs((double)moved));
        u[j] = next;
        c[j] = weight * moved;
    }
    out->largest_move = class_max(out->largest_move, h * most);
    if (out->shrunk && most == 0 && slack * h >= 2 * s->dual->shrink_margin) out->shrunk[sample] = 1;
    return most > 0;
}

/* p = predictions of the row whose products with the weights are z */
FO_INLINE void F(class_predictions)(const fo_dual *dual, const fo_dual_classes *out, const real *z, real *p) {
    for (ptrdiff_t j = 0; j < out->k; j++)
        p[j] = (real)((double)z[j] + dual->column * out->v_column[j] + out->b[j]);
}

/* the steps of weights and v of all outputs: v ← v + c·x, w ← soft(v, l1) */
FO_INLINE void F(class_add_soft)(const int layout, const fo_dual *dual, F(row) x, const fo_dual_classes *out, const real *c) {
    const real l1 = (real)dual->l1;
    const ptrdiff_t feature = layout == FO_DENSE ? 1 : out->stride, output = layout == FO_DENSE ? out->stride : 1;
    real *v = out->v, *w = out->w;
    for (ptrdiff_t j = 0; j < out->k; j++)
        for (ptrdiff_t i = 0; c[j] != 0 && i < x.m; i++) {
            const ptrdiff_t at = j * output + feature * (layout == FO_DENSE ? i : column(layout, x.columns, i));
            v[at] = F(fma_)(c[j], x.x[i], v[at]);
            w[at] = dual->positive ? F(max_)(0, v[at] - l1) : F(soft)(v[at], l1);
        }
}

/* the samples of a block, one after the other */
FO_INLINE void F(class_samples)(const int layout, const int soft, F(class_state) *s, const fo_matrix *X) {
    const fo_visits *block = s->block;
    fo_dual_classes *out = s->out;
    const ptrdiff_t mean = layout == FO_DENSE ? X->d : row_start(layout, X, X->n) / X->n + 1, k = out->k;
    const ptrdiff_t distance = 2 + 3000 / (mean * (ptrdiff_t)sizeof(real)), last = block->n - 1;
    real *c = out->c, *z = out->z, *p = out->p;
    F(sweep_args) w = {.w = out->w, .stride = out->stride, .c = c, .z = z, .next = F(row_of)(layout, X, block->rows[0])};
    F(sweep)(layout, 0, SWEEP_DOT, k, w);
    for (ptrdiff_t i = 0; i <= last; i++) {
        const ptrdiff_t ahead = i + distance < last ? i + distance : last;
        w.x = w.next;
        w.next = F(row_of)(layout, X, block->rows[i < last ? i + 1 : last]);
        w.ahead = F(row_of)(layout, X, block->rows[ahead]);
        FO_PREFETCH((real *)out->u + block->samples[ahead] * k);
        FO_PREFETCH(out->square + block->samples[ahead]);
        F(class_predictions)(s->dual, out, z, p);
        const int moved = F(class_sample)(s, i, p, c);
        for (ptrdiff_t j = 0; moved && s->dual->column != 0 && j < k; j++) out->v_column[j] += (double)c[j] * s->dual->column;
        if (moved && soft) F(class_add_soft)(layout, s->dual, w.x, out, c);
        if (moved && !soft) F(sweep)(layout, 0, SWEEP_ADD | SWEEP_DOT | SWEEP_AHEAD, k, w);
        else F(sweep)(layout, 0, SWEEP_DOT | SWEEP_AHEAD, k, w);
    }
}

FO_KERNEL void F(dual_class_rows)(const fo_dual *dual, const fo_matrix *X, const fo_visits *block, fo_dual_classes *out) {
    F(class_state) s = {dual, block, out, class_most(dual->loss.kind)};
    const int soft = dual->l1 > 0 || dual->positive;
    if (X->layout == FO_DENSE && soft) F(class_samples)(FO_DENSE, 1, &s, X);
    else if (X->layout == FO_DENSE) F(class_samples)(FO_DENSE, 0, &s, X);
    else if (X->layout == FO_CSR32 && soft) F(class_samples)(FO_CSR32, 1, &s, X);
    else if (X->layout == FO_CSR32) F(class_samples)(FO_CSR32, 0, &s, X);
    else if (soft) F(class_samples)(FO_CSR64, 1, &s, X);
    else F(class_samples)(FO_CSR64, 0, &s, X);
}

#if REAL_IS_FLOAT
/* whether a loss is one of FO_CLASS_DUAL_LOSSES */
FO_KERNEL int dual_accepts_classes(int kind) { return class_most(kind) > 0; }
#endif
