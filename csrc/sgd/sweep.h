/* sweep.h: the one pass of per-sample SGD over the weights: w ← w + c·x for the sample that was seen and z = w·next for
 * the sample to come, together, so that a weight is read and written once a sample.  Used by sgd.h. */

/* What one sweep does; a part that is left out (x, next NULL) is dropped by the compiler where `does` is a constant. */
typedef struct {
    F(row) x;          /* w ← w + c·x */
    F(row) next;       /* z ← w·next */
    F(row) ahead;      /* a row to prefetch, a line a vector */
    real *w;
    ptrdiff_t stride;  /* dense: from one output to the next; CSR: from one feature to the next */
    const real *c;
    real *z;
    fo_output *o;      /* o->sq_norm ← ‖w‖² over the elements touched, where x is added; NULL: not asked for */
    /* SWEEP_LATE, one output of dense rows: */
    const real *between; /* the row between x and next */
    real product;      /* ← between·next */
    real norm_factor;
    F(vec) norms;      /* += norm_factor·w², element by element, instead of sq_norm */
} F(sweep_args);

#ifndef FO_SWEEP_ONCE
#define FO_SWEEP_ONCE
enum { SWEEP_ADD = 1, SWEEP_DOT = 2, SWEEP_AHEAD = 4, SWEEP_LATE = 8 };
#endif

/* one vector of `tile` outputs at element i; m elements of it lie in the row */
#define SWEEP_STEP(load, u) \
    do { \
        const F(vec) xv = does & SWEEP_ADD ? load(s->x.x + i) : F(vset)(0); \
        const F(vec) nv = does & SWEEP_DOT ? load(s->next.x + i) : F(vset)(0); \
        if (does & SWEEP_AHEAD) FO_PREFETCH(s->ahead.x + i); \
        FO_UNROLL for (int t = 0; t < tile; t++) { \
            real *w = s->w + t * s->stride + i; \
            F(vec) wv = F(vload)(w); \
            if (does & SWEEP_ADD) { \
                wv = F(vfma)(cv[t], xv, wv); \
                F(vstore)(w, wv); \
                norm[t][u] = F(vfma)(wv, wv, norm[t][u]); \
            } \
            if (does & SWEEP_DOT) dot[t][u] = F(vfma)(wv, nv, dot[t][u]); \
        } \
        if (does & SWEEP_LATE) product[u] = F(vfma)(load(s->between + i), nv, product[u]); \
        i += VLEN; \
    } while (0)
#define SWEEP_LOAD_PART(x) F(vload_part)(x, (int)(d - i))

FO_INLINE void F(sweep_tile)(const int tile, const int does, F(sweep_args) *s) {
    F(vec) dot[FO_TILE][2], norm[FO_TILE][2], product[2], cv[FO_TILE];
    const ptrdiff_t d = does & SWEEP_ADD ? s->x.m : s->next.m;
    ptrdiff_t i = 0;
    product[0] = product[1] = F(vset)(0);
    FO_UNROLL for (int t = 0; t < tile; t++) {
        dot[t][0] = dot[t][1] = norm[t][0] = norm[t][1] = F(vset)(0);
        if (does & SWEEP_ADD) cv[t] = F(vset)(s->c[t]);
    }
    while (i + 2 * VLEN <= d) {
        SWEEP_STEP(F(vload_row), 0);
        SWEEP_STEP(F(vload_row), 1);
    }
    if (i + VLEN <= d) SWEEP_STEP(F(vload_row), 0);
    if (i < d) SWEEP_STEP(SWEEP_LOAD_PART, 1);
    if (does & SWEEP_AHEAD) FO_PREFETCH(FO_LAST_BYTE(s->ahead.x, d)); /* rows start within a line */
    FO_UNROLL for (int t = 0; t < tile; t++) {
        if (does & SWEEP_DOT) s->z[t] = F(vsum)(F(vadd)(dot[t][0], dot[t][1]));
        if (does & SWEEP_LATE) s->norms = F(vfma)(F(vset)(s->norm_factor), F(vadd)(norm[t][0], norm[t][1]), s->norms);
        else if (does & SWEEP_ADD && s->o) s->o[t].sq_norm = (double)F(vsum)(F(vadd)(norm[t][0], norm[t][1]));
    }
    if (does & SWEEP_LATE) s->product = F(vsum)(F(vadd)(product[0], product[1]));
}
#undef SWEEP_STEP
#undef SWEEP_LOAD_PART

/* k outputs of a dense row, a tile of them at a time */
FO_INLINE void F(sweep_dense)(const int does, ptrdiff_t k, F(sweep_args) s) {
    int ahead = does & SWEEP_AHEAD; /* prefetch once, not once a tile */
    for (; k >= FO_TILE; k -= FO_TILE, ahead = 0) {
        if (ahead) F(sweep_tile)(FO_TILE, does, &s);
        else F(sweep_tile)(FO_TILE, does & ~SWEEP_AHEAD, &s);
        s.w += FO_TILE * s.stride;
        s.c += FO_TILE;
        s.z += FO_TILE;
        if (s.o) s.o += FO_TILE;
    }
    for (; k > 0; k--) {
        F(sweep_tile)(1, does & ~SWEEP_AHEAD, &s);
        s.w += s.stride;
        s.c++;
        s.z++;
        if (s.o) s.o++;
    }
}

/* w ← w + c·x for one output of a CSR row.  The sum of squares is over the touched weights, which is what scikit-learn's
 * criterion sees; in lanes, as one running sum would wait for each of its additions. */
FO_INLINE void F(add_csr)(const int layout, const int norms, F(row) x, real c, real *w, fo_output *o) {
    enum { LANES = 4 };
    real norm[LANES] = {0};
    ptrdiff_t i = 0;
    for (; i + LANES <= x.m; i += LANES)
        FO_UNROLL for (int j = 0; j < LANES; j++) {
            real *at = w + column(layout, x.columns, i + j);
            *at = F(fma_)(c, x.x[i + j], *at);
            if (norms) norm[j] = F(fma_)(*at, *at, norm[j]);
        }
    for (; i < x.m; i++) {
        real *at = w + column(layout, x.columns, i);
        *at = F(fma_)(c, x.x[i], *at);
        if (norms) norm[0] = F(fma_)(*at, *at, norm[0]);
    }
    if (norms) o->sq_norm = (double)((norm[0] + norm[2]) + (norm[1] + norm[3]));
}

FO_INLINE void F(sweep_csr_one)(const int layout, const int does, const F(sweep_args) *s) {
    if (does & SWEEP_ADD && s->o) F(add_csr)(layout, 1, s->x, s->c[0], s->w, s->o);
    else if (does & SWEEP_ADD) F(add_csr)(layout, 0, s->x, s->c[0], s->w, NULL);
    if (does & SWEEP_DOT) s->z[0] = F(dot_csr)(layout, s->next, s->w, does & SWEEP_AHEAD ? s->ahead : (F(row)){0});
}

/* k outputs of a CSR row, their weights side by side, a vector of outputs at a time */
FO_INLINE void F(sweep_csr_many)(const int layout, const int does, ptrdiff_t k, const F(sweep_args) *s) {
    if (does & SWEEP_AHEAD) F(prefetch_row)(layout, s->ahead);
    for (ptrdiff_t j = 0; j < k; j += VLEN) {
        F(vec) dot = F(vset)(0), norm = dot;
        if (does & SWEEP_ADD) {
            const F(vec) c = F(vload)(s->c + j);
            for (ptrdiff_t i = 0; i < s->x.m; i++) {
                real *w = s->w + column(layout, s->x.columns, i) * s->stride + j;
                const F(vec) wv = F(vfma)(c, F(vset)(s->x.x[i]), F(vload)(w));
                F(vstore)(w, wv);
                norm = F(vfma)(wv, wv, norm);
            }
            real e[64 / sizeof(real)];
            F(vstore)(e, norm);
            for (ptrdiff_t o = j; s->o && o < k && o < j + VLEN; o++)
                if (s->c[o] != 0) s->o[o].sq_norm = (double)e[o - j]; /* scikit-learn's criterion again */
        }
        if (does & SWEEP_DOT) {
            for (ptrdiff_t i = 0; i < s->next.m; i++)
                dot = F(vfma)(F(vset)(s->next.x[i]),
                              F(vload)(s->w + column(layout, s->next.columns, i) * s->stride + j), dot);
            F(vstore)(s->z + j, dot);
        }
    }
}

FO_INLINE void F(sweep)(const int layout, const int one, const int does, ptrdiff_t k, F(sweep_args) s) {
    if (layout == FO_DENSE && one) F(sweep_tile)(1, does, &s);
    else if (layout == FO_DENSE) F(sweep_dense)(does, k, s);
    else if (one) F(sweep_csr_one)(layout, does, &s);
    else F(sweep_csr_many)(layout, does, k, &s);
}
