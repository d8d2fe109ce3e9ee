/* anchors.h: the losses of an anchor beside all rows with its label, the near ones, and all with others, the far ones: triplets that are hard
 * (Hermans et al. 2017), semi-hard (Schroff et al. 2015) or all there are, and the circle loss (Sun et al. 2020). */

/* the rows beside an anchor: how far they are (of `circle`: how similar), and the derivatives in that */
typedef struct {
    ptrdiff_t n;
    real *apart, *slope;
    int32_t *at; /* which they are */
} F(side);

FO_KERNEL ptrdiff_t F(anchor_scratch)(ptrdiff_t n) { return n * (ptrdiff_t)(4 * sizeof(real) + 2 * sizeof(int32_t)); }

/* distances of row i and all others, from products */
FO_INLINE void F(find_apart)(const fo_anchors *a, ptrdiff_t i, const real *restrict products, real *restrict apart) {
    const real *restrict squares = a->squares;
    if (a->mining == FO_MINE_CIRCLE) {
        memcpy(apart, products, (size_t)a->n * sizeof(real));
    } else if (a->distance == FO_DISTANCE_COSINE) {
        FO_SIMD
        for (ptrdiff_t j = 0; j < a->n; j++) apart[j] = 1 - products[j];
    } else {
        FO_SIMD
        for (ptrdiff_t j = 0; j < a->n; j++) apart[j] = F(max_)(squares[i] + squares[j] - 2 * products[j], 0);
    }
    if (a->mining == FO_MINE_CIRCLE || a->distance != FO_DISTANCE_EUCLIDEAN) return;
    FO_SIMD
    for (ptrdiff_t j = 0; j < a->n; j++) apart[j] = F(sqrt_)(apart[j]);
}

FO_INLINE void F(add_to_side)(F(side) *side, real apart, ptrdiff_t at) {
    side->apart[side->n] = apart;
    side->slope[side->n] = 0;
    side->at[side->n++] = (int32_t)at;
}

/* the largest number of some, or of their negatives, and which it is */
FO_INLINE ptrdiff_t F(extreme)(ptrdiff_t n, real sign, const real *x) {
    real top = sign * x[0];
    FO_SIMD_MAX(top)
    for (ptrdiff_t j = 0; j < n; j++) top = F(max_)(top, sign * x[j]);
    ptrdiff_t at = 0;
    while (sign * x[at] < top) at++;
    return at;
}

/* the triplet of an anchor, one near and one far row */
FO_INLINE double F(one_triplet)(real margin, F(side) *near, ptrdiff_t p, F(side) *far, ptrdiff_t q) {
    const real over = margin + near->apart[p] - far->apart[q];
    if (!(over > 0)) return 0;
    near->slope[p] += 1;
    far->slope[q] -= 1;
    return (double)over;
}

FO_INLINE double F(all_triplets)(real margin, F(side) *near, F(side) *far) {
    const real *restrict apart = far->apart;
    real *restrict slope = far->slope;
    double total = 0;
    for (ptrdiff_t p = 0; p < near->n; p++) {
        const real bound = margin + near->apart[p];
        real sum = 0, active = 0;
        FO_SIMD_SUM(sum, active)
        for (ptrdiff_t j = 0; j < far->n; j++) {
            const real over = bound - apart[j], counts = (real)(over > 0);
            sum += F(max_)(over, 0);
            active += counts;
            slope[j] -= counts;
        }
        near->slope[p] = active;
        total += (double)sum;
    }
    return total;
}

/* of the far rows, the nearest that is farther than a near one; the farthest if none is */
FO_INLINE ptrdiff_t F(semi_hard)(const F(side) *far, real apart) {
    real least = (real)INFINITY;
    for (ptrdiff_t j = 0; j < far->n; j++) least = F(min_)(far->apart[j] > apart ? far->apart[j] : (real)INFINITY, least);
    if (!(least < (real)INFINITY)) return F(extreme)(far->n, 1, far->apart);
    ptrdiff_t at = 0;
    while (far->apart[at] != least) at++;
    return at;
}

FO_INLINE double F(semi_hard_triplets)(real margin, F(side) *near, F(side) *far) {
    double total = 0;
    for (ptrdiff_t p = 0; p < near->n; p++) total += F(one_triplet)(margin, near, p, far, F(semi_hard)(far, near->apart[p]));
    return total;
}

/* sign·gamma·weight·(s − middle) of one side, weight = max(0, sign·(s − optimum)): the log of the sum of their exponentials; slope: share of it times
 * sign·gamma·weight */
FO_INLINE double F(circle_side)(real sign, real gamma, real optimum, real middle, F(side) *side, real *scratch) {
    real *restrict logits = scratch, *restrict slope = side->slope, top;
    const real *restrict s = side->apart;
    FO_SIMD
    for (ptrdiff_t j = 0; j < side->n; j++) logits[j] = sign * gamma * F(max_)(sign * (s[j] - optimum), 0) * (s[j] - middle);
    const double sum = F(exponentials)(side->n, logits, &top, slope);
    const real inverse = (real)(1 / sum);
    FO_SIMD
    for (ptrdiff_t j = 0; j < side->n; j++) slope[j] *= inverse * sign * gamma * F(max_)(sign * (s[j] - optimum), 0);
    return (double)top + log(sum);
}

FO_INLINE double F(circle)(const fo_anchors *a, F(side) *near, F(side) *far, real *scratch) {
    const real m = (real)a->margin, gamma = (real)a->gamma;
    const double z = F(circle_side)(-1, gamma, 1 + m, 1 - m, near, scratch) + F(circle_side)(1, gamma, -m, m, far, scratch);
    const double e = exp(z > 0 ? -z : z);
    const real share = (real)((z > 0 ? 1 : e) / (1 + e));
    for (ptrdiff_t j = 0; j < near->n; j++) near->slope[j] *= share;
    for (ptrdiff_t j = 0; j < far->n; j++) far->slope[j] *= share;
    return (z > 0 ? z : 0) + log1p(e);
}

/* the derivative in a product, from that in the distance: see find_apart */
FO_INLINE real F(in_product)(const fo_anchors *a, real apart, real slope) {
    if (a->mining == FO_MINE_CIRCLE) return slope;
    if (a->distance == FO_DISTANCE_COSINE) return -slope;
    return a->distance == FO_DISTANCE_SQUARED ? -2 * slope : apart > 0 ? -slope / apart : 0;
}

FO_INLINE double F(anchor_loss)(const fo_anchors *a, F(side) *near, F(side) *far, double *count, real *scratch) {
    const real margin = (real)a->margin;
    *count = near->n > 0 && far->n > 0 ? 1 : 0;
    if (*count == 0) return 0;
    if (a->mining == FO_MINE_CIRCLE) return F(circle)(a, near, far, scratch);
    if (a->mining == FO_MINE_HARD)
        return F(one_triplet)(margin, near, F(extreme)(near->n, 1, near->apart), far, F(extreme)(far->n, -1, far->apart));
    *count = (double)near->n * (a->mining == FO_MINE_ALL ? (double)far->n : 1);
    return a->mining == FO_MINE_ALL ? F(all_triplets)(margin, near, far) : F(semi_hard_triplets)(margin, near, far);
}

FO_KERNEL double F(anchor)(const fo_anchors *a, ptrdiff_t i, const void *products, double factor, double *count, void *scratch, void *slopes) {
    real *const apart = scratch, *out = slopes;
    int32_t *const at = (int32_t *)(void *)(apart + 4 * a->n);
    F(side) near = {0, apart, apart + a->n, at}, far = {0, apart + 2 * a->n, apart + 3 * a->n, at + a->n};
    F(find_apart)(a, i, products, out);
    for (ptrdiff_t j = 0; j < a->n; j++)
        if (j != i) F(add_to_side)(a->labels[j] == a->labels[i] ? &near : &far, out[j], j);
    const double loss = F(anchor_loss)(a, &near, &far, count, out);
    memset(out, 0, (size_t)a->n * sizeof(real));
    for (ptrdiff_t j = 0; j < near.n; j++) out[near.at[j]] = (real)factor * F(in_product)(a, near.apart[j], near.slope[j]);
    for (ptrdiff_t j = 0; j < far.n; j++) out[far.at[j]] = (real)factor * F(in_product)(a, far.apart[j], far.slope[j]);
    return loss;
}
