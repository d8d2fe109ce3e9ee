/* transducer.h: the transducer of one sample, Graves 2012: the probability that a path from frame 0 and no label to behind the last frame says the
 * labels, summed over all paths, and its derivative.  In a cell (t, u), frame t and u labels said, a path says the next label and goes to
 * (t, u + 1), or the blank and goes to (t + 1, u).
 *
 * All cells of a diagonal d = t + u are independent, and every path passes one of them: arrays hold diagonal after diagonal, u side by
 * side, so that loops are vectorised, and the shares of the cells of a diagonal are divided by their own sum, so that rounding drops out.
 * Probabilities are wide numbers (wide.h).  A cell outside says nothing, which ends paths that leave the grid before all is said. */

/* what lies where in the scratch, in elements.  A row of a diagonal has `width` cells, whole vectors and one more at least than there are labels, which
 * is impossible, and a vector of impossible ones before it. */
typedef struct {
    ptrdiff_t diagonals, width, stride;
    ptrdiff_t blank, label, alpha, beta; /* planes of m; those of e follow */
    ptrdiff_t share, end;
} F(paths);

FO_INLINE F(paths) F(paths_of)(const fo_transduction *s) {
    F(paths) at;
    at.diagonals = s->frames + s->length;
    at.width = (s->length + 1 + VLEN) / VLEN * VLEN;
    at.stride = VLEN + at.width;
    const ptrdiff_t plane = at.diagonals * at.stride + VLEN;
    at.blank = VLEN;
    at.label = at.blank + 2 * plane;
    at.alpha = at.label + 2 * plane;
    at.beta = at.alpha + 2 * (plane + at.stride);
    at.share = at.beta + 2 * (2 * at.stride + VLEN);
    at.end = at.share + s->classes;
    return at;
}

FO_KERNEL ptrdiff_t F(transducer_scratch)(const fo_transduction *s) { return F(paths_of)(s).end; }

/* a row of wide numbers: m, and e one plane behind */
typedef struct { real *m, *e; } F(wide_row);

FO_INLINE F(wide_row) F(wide_row_at)(real *plane, ptrdiff_t rows, ptrdiff_t stride, ptrdiff_t row) {
    return (F(wide_row)){plane + row * stride, plane + rows * stride + VLEN + row * stride};
}
#define FO_ROW(name, rows, row) F(wide_row_at)(scratch + at.name, rows, at.stride, row)

/* a row, the vectors before and behind it among them, of what is impossible */
FO_INLINE void F(nothing)(F(wide_row) row, ptrdiff_t width) {
    for (ptrdiff_t i = -VLEN; i < width + VLEN; i++) row.m[i] = 0, row.e[i] = WIDE_LEAST;
}

/* What a cell says of the blank and, where there is one, of the next label; 1 if all scores are finite.  The softmax goes into share if it is wanted,
 * else powers do. */
FO_INLINE int F(cell_says)(const fo_transduction *s, ptrdiff_t u, const real *restrict p, const int wanted, real *restrict share, F(wide) *blank,
                           F(wide) *label) {
    if (!F(all_finite)(s->classes, p)) return 0;
    const real largest = F(ctc_largest)(s->classes, p);
    FO_SIMD
    for (ptrdiff_t c = 0; c < s->classes; c++) share[c] = F(exp_)(p[c] - largest);
    const real inverse = 1 / F(ctc_sum)(s->classes, share);
    if (wanted) {
        FO_SIMD
        for (ptrdiff_t c = 0; c < s->classes; c++) share[c] *= inverse;
    }
    *blank = F(wide_exp)(p[s->blank] - largest);
    blank->m *= inverse;
    if (u < s->length) {
        *label = F(wide_exp)(p[s->labels[u]] - largest);
        label->m *= inverse;
    }
    return 1;
}

/* what all cells say, and their softmax, where gradients are wanted; 0 if a score is not finite */
FO_INLINE int F(all_cells_say)(const fo_transduction *s, F(paths) at, const real *p, real *scratch, real *grads) {
    for (ptrdiff_t d = 0; d < at.diagonals; d++) {
        F(nothing)(FO_ROW(blank, at.diagonals, d), at.width);
        F(nothing)(FO_ROW(label, at.diagonals, d), at.width);
    }
    for (ptrdiff_t t = 0; t < s->frames; t++)
        for (ptrdiff_t u = 0; u <= s->length; u++) {
            const ptrdiff_t cell = (t * s->places + u) * s->classes;
            F(wide) blank = WIDE_ZERO, label = WIDE_ZERO;
            if (!F(cell_says)(s, u, p + cell, grads != NULL, grads ? grads + cell : scratch + at.share, &blank, &label)) return 0;
            const F(wide_row) blanks = FO_ROW(blank, at.diagonals, t + u), labels = FO_ROW(label, at.diagonals, t + u);
            blanks.m[u] = blank.m, blanks.e[u] = blank.e;
            labels.m[u] = label.m, labels.e[u] = label.e;
        }
    return 1;
}

/* alpha of the next diagonal */
FO_KERNEL void F(path_forward)(ptrdiff_t width, F(wide_row) blanks, F(wide_row) labels, F(wide_row) from, F(wide_row) to) {
    const real *restrict m = from.m, *restrict e = from.e, *restrict blank_m = blanks.m, *restrict blank_e = blanks.e;
    const real *restrict label_m = labels.m, *restrict label_e = labels.e;
    real *restrict to_m = to.m, *restrict to_e = to.e;
    FO_SIMD
    for (ptrdiff_t u = 0; u < width; u++) {
        const F(wide) stays = F(wide_product)((F(wide)){m[u], e[u]}, (F(wide)){blank_m[u], blank_e[u]});
        const F(wide) said = F(wide_product)((F(wide)){m[u - 1], e[u - 1]}, (F(wide)){label_m[u - 1], label_e[u - 1]});
        const F(wide) sum = F(wide_sum)(stays, said);
        to_m[u] = sum.m, to_e[u] = sum.e;
    }
}

/* beta of a diagonal from that of the next; blanks and labels become the probabilities of the paths that say them there */
FO_KERNEL void F(path_backward)(ptrdiff_t width, F(wide_row) alpha, F(wide_row) blanks, F(wide_row) labels, F(wide_row) from, F(wide_row) to) {
    const real *restrict m = from.m, *restrict e = from.e, *restrict alpha_m = alpha.m, *restrict alpha_e = alpha.e;
    real *restrict blank_m = blanks.m, *restrict blank_e = blanks.e, *restrict label_m = labels.m, *restrict label_e = labels.e;
    real *restrict to_m = to.m, *restrict to_e = to.e;
    FO_SIMD
    for (ptrdiff_t u = 0; u < width; u++) {
        const F(wide) before = {alpha_m[u], alpha_e[u]};
        const F(wide) stays = F(wide_product)((F(wide)){blank_m[u], blank_e[u]}, (F(wide)){m[u], e[u]});
        const F(wide) said = F(wide_product)((F(wide)){label_m[u], label_e[u]}, (F(wide)){m[u + 1], e[u + 1]});
        const F(wide) sum = F(wide_sum)(stays, said), by_blank = F(wide_product)(before, stays), by_label = F(wide_product)(before, said);
        to_m[u] = sum.m, to_e[u] = sum.e;
        blank_m[u] = by_blank.m, blank_e[u] = by_blank.e;
        label_m[u] = by_label.m, label_e[u] = by_label.e;
    }
}

/* m of blanks and labels become shares of their sum, times factor */
FO_KERNEL void F(path_shares)(ptrdiff_t width, real factor, F(wide_row) blanks, F(wide_row) labels) {
    real *restrict blank_m = blanks.m, *restrict label_m = labels.m, top = WIDE_LEAST;
    const real *restrict blank_e = blanks.e, *restrict label_e = labels.e;
    FO_SIMD_MAX(top)
    for (ptrdiff_t u = 0; u < width; u++) top = F(max_)(top, F(max_)(blank_e[u], label_e[u]));
    FO_SIMD
    for (ptrdiff_t u = 0; u < width; u++) {
        blank_m[u] *= F(wide_power)(blank_e[u] - top);
        label_m[u] *= F(wide_power)(label_e[u] - top);
    }
    const real scale = factor / (F(ctc_sum)(width, blank_m) + F(ctc_sum)(width, label_m));
    FO_SIMD
    for (ptrdiff_t u = 0; u < width; u++) blank_m[u] *= scale, label_m[u] *= scale;
}

/* The gradient of all cells, which hold their softmax: times the share of the paths that pass, less those that say the blank, and the label. */
FO_INLINE void F(path_gradient)(const fo_transduction *s, F(paths) at, real *scratch, real *grads) {
    for (ptrdiff_t t = 0; t < s->all_frames; t++) {
        const ptrdiff_t inside = t < s->frames ? s->length + 1 : 0;
        real *row = grads + t * s->places * s->classes;
        for (ptrdiff_t u = 0; u < inside; u++) {
            real *restrict g = row + u * s->classes;
            const real blank = FO_ROW(blank, at.diagonals, t + u).m[u], label = FO_ROW(label, at.diagonals, t + u).m[u];
            FO_SIMD
            for (ptrdiff_t c = 0; c < s->classes; c++) g[c] *= blank + label;
            g[s->blank] -= blank;
            if (u < s->length) g[s->labels[u]] -= label;
        }
        memset(row + inside * s->classes, 0, (size_t)((s->places - inside) * s->classes) * sizeof(real));
    }
}

FO_KERNEL double F(transducer)(const fo_transduction *s, double factor, const void *p, void *scratch_, void *grads) {
    const F(paths) at = F(paths_of)(s);
    const ptrdiff_t last = at.diagonals;
    real *scratch = scratch_;
    if (!F(all_cells_say)(s, at, p, scratch, grads)) return NAN;
    for (ptrdiff_t d = 0; d <= last; d++) F(nothing)(FO_ROW(alpha, last + 1, d), at.width);
    F(wide_row) start = FO_ROW(alpha, last + 1, 0);
    start.m[0] = 1, start.e[0] = 0;
    for (ptrdiff_t d = 0; d < last; d++)
        F(path_forward)(at.width, FO_ROW(blank, last, d), FO_ROW(label, last, d), FO_ROW(alpha, last + 1, d), FO_ROW(alpha, last + 1, d + 1));
    const F(wide_row) ends = FO_ROW(alpha, last + 1, last);
    const double loss = -F(wide_log)((F(wide)){ends.m[s->length], ends.e[s->length]});
    if (grads) {
        F(nothing)(FO_ROW(beta, 2, 0), at.width);
        F(nothing)(FO_ROW(beta, 2, 1), at.width);
        F(wide_row) later = FO_ROW(beta, 2, last % 2);
        later.m[s->length] = 1, later.e[s->length] = 0;
        for (ptrdiff_t d = last - 1; d >= 0; d--) {
            const F(wide_row) blanks = FO_ROW(blank, last, d), labels = FO_ROW(label, last, d);
            F(path_backward)(at.width, FO_ROW(alpha, last + 1, d), blanks, labels, FO_ROW(beta, 2, (d + 1) % 2), FO_ROW(beta, 2, d % 2));
            F(path_shares)(at.width, (real)factor, blanks, labels);
        }
        F(path_gradient)(s, at, scratch, grads);
    }
    return loss > 0 ? loss : 0; /* rounding of what is all but certain */
}
#undef FO_ROW
