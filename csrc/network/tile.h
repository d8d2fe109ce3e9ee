/* tile.h: the product of matrices that all of a layer is made of: c = scale·from + A·B, A read by strides, so that it may be transposed, B
 * and c by whole vectors.  A tile of rows and vectors of c stays in registers while it runs along the sums; one function a size, all from one
 * body.  Sums run in their order whatever the tile, so that bits do not depend on how rows are shared.  Used by layers.h; knows no layers. */
#ifndef FO_NETWORK_TILE
#define FO_NETWORK_TILE
enum { TILE_DEPTH = 128 }; /* of sums that a tile takes at once: B's part of it stays in L1 */
/* X(rows, vectors) of all tiles, and the most vectors, and the most rows with each number of them, that leave registers for B */
#define TILES_BY(X, n) \
    X(1, n) X(2, n) X(3, n) X(4, n) X(5, n) X(6, n)
#if FO_REGISTER_BYTES == 64
enum { TILE_VECS = 4, TILE_ROWS = 16 };
static const int tile_rows[TILE_VECS + 1] = {0, 16, 12, 8, 6};
#define FO_TILES(X) \
    TILES_BY(X, 1) X(7, 1) X(8, 1) X(9, 1) X(10, 1) X(11, 1) X(12, 1) X(13, 1) X(14, 1) X(15, 1) X(16, 1) \
    TILES_BY(X, 2) X(7, 2) X(8, 2) X(9, 2) X(10, 2) X(11, 2) X(12, 2) \
    TILES_BY(X, 3) X(7, 3) X(8, 3) \
    TILES_BY(X, 4)
#elif FO_REGISTER_BYTES == 32 || defined(__aarch64__)
enum { TILE_VECS = 1, TILE_ROWS = 6 };
static const int tile_rows[TILE_VECS + 1] = {0, 6};
#define FO_TILES(X) TILES_BY(X, 1)
#else
enum { TILE_VECS = 1, TILE_ROWS = 2 };
static const int tile_rows[TILE_VECS + 1] = {0, 2};
#define FO_TILES(X) X(1, 1) X(2, 1)
#endif
#endif

typedef struct {
    ptrdiff_t depth;              /* terms of each sum */
    const real *a;
    ptrdiff_t a_row, a_column;    /* element (i, k) of A at i·a_row + k·a_column */
    const real *b;
    ptrdiff_t b_stride;
    const real *from;             /* what sums begin with, times scale; NULL: 0 */
    ptrdiff_t from_stride;
    real scale;
    real *c;
    ptrdiff_t c_stride;
    int rectifies;                /* c ← max(0, c) at last */
    const real *gate;             /* laid out as c: c ← 0 where it is not above 0, at last; NULL: nowhere */
} F(tile);

FO_INLINE void F(tile_body)(const int rows, const int vecs, const F(tile) *t) {
    F(vec) sum[TILE_ROWS][TILE_VECS];
    const real *a = t->a, *b = t->b;
    const ptrdiff_t a_row = t->a_row, a_column = t->a_column, b_stride = t->b_stride;
    FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++) sum[i][j] = F(vset)(0);
    if (t->from) {
        const F(vec) scale = F(vset)(t->scale);
        FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++)
            sum[i][j] = F(vfma)(scale, F(vload)(t->from + i * t->from_stride + j * VLEN), sum[i][j]);
    }
    for (ptrdiff_t k = 0; k < t->depth; k++, a += a_column, b += b_stride) {
        const real *own = a;
        F(vec) row[TILE_VECS];
        FO_UNROLL for (int j = 0; j < vecs; j++) row[j] = F(vload)(b + j * VLEN);
        FO_UNROLL for (int i = 0; i < rows; i++, own += a_row) {
            const F(vec) factor = F(vset)(*own);
            FO_UNROLL for (int j = 0; j < vecs; j++) sum[i][j] = F(vfma)(factor, row[j], sum[i][j]);
        }
    }
    if (t->rectifies)
        FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++) sum[i][j] = F(vgate)(sum[i][j], sum[i][j]);
    if (t->gate)
        FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++)
            sum[i][j] = F(vgate)(sum[i][j], F(vload)(t->gate + i * t->c_stride + j * VLEN));
    FO_UNROLL for (int i = 0; i < rows; i++) FO_UNROLL for (int j = 0; j < vecs; j++) F(vstore)(t->c + i * t->c_stride + j * VLEN, sum[i][j]);
}

#define TILE(rows, vecs) \
    static void F(tile_##rows##_##vecs)(const F(tile) *t) { F(tile_body)(rows, vecs, t); }
FO_TILES(TILE)
#undef TILE
static void (*const F(tiles)[TILE_VECS + 1][TILE_ROWS + 1])(const F(tile) *) = {
#define TILE(rows, vecs) [vecs][rows] = F(tile_##rows##_##vecs),
    FO_TILES(TILE)
#undef TILE
};

/* elements of a register */
#undef RLEN
#define RLEN ((int)(sizeof(F(reg)) / sizeof(real)))

/* to = the transpose of a block of RLEN rows and columns, of which the first `rows` rows are wanted: halves of blocks change places */
FO_INLINE void F(transpose_block)(const real *from, ptrdiff_t stride, real *to, ptrdiff_t to_stride, int rows) {
#if defined(__GNUC__) && !defined(__clang__)
    typedef real_bits lanes __attribute__((vector_size(sizeof(F(reg)))));
    F(reg) r[sizeof(F(reg)) / sizeof(real)];
    FO_UNROLL for (int i = 0; i < RLEN; i++) memcpy(&r[i], from + i * stride, sizeof r[i]);
    FO_UNROLL for (int half = RLEN / 2; half > 0; half /= 2) {
        lanes upper, lower; /* the columns of two rows of blocks: those below RLEN of the first, the others of the second */
        FO_UNROLL for (int j = 0; j < RLEN; j++) upper[j] = j & half ? RLEN + j - half : j, lower[j] = j & half ? RLEN + j : j + half;
        FO_UNROLL for (int i = 0; i < RLEN; i++)
            if (!(i & half)) {
                const F(reg) a = r[i], b = r[i + half];
                r[i] = __builtin_shuffle(a, b, upper);
                r[i + half] = __builtin_shuffle(a, b, lower);
            }
    }
    if (rows == RLEN) FO_UNROLL for (int i = 0; i < RLEN; i++) memcpy(to + i * to_stride, &r[i], sizeof r[i]);
    else for (int i = 0; i < rows; i++) memcpy(to + i * to_stride, &r[i], sizeof r[i]);
#else
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < RLEN; j++) to[i * to_stride + j] = from[j * stride + i];
#endif
}

/* All rows of some vectors of c: tiles of about the same size, so that none is small */
FO_INLINE void F(tiled_rows)(F(tile) t, ptrdiff_t rows, int vecs) {
    const ptrdiff_t tiles = (rows + tile_rows[vecs] - 1) / tile_rows[vecs];
    const ptrdiff_t least = rows / tiles, larger = rows % tiles;
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t own = least + (i < larger);
        F(tiles)[vecs][own](&t);
        t.a += own * t.a_row;
        t.c += own * t.c_stride;
        if (t.from) t.from += own * t.from_stride;
        if (t.gate) t.gate += own * t.c_stride;
    }
}

/* c of `rows` rows of `width` elements, rounded up to vectors */
FO_INLINE void F(tiled)(F(tile) whole, ptrdiff_t rows, ptrdiff_t width) {
    const ptrdiff_t vecs = (width + VLEN - 1) / VLEN, panels = (vecs + TILE_VECS - 1) / TILE_VECS, depth = whole.depth;
    for (ptrdiff_t panel = 0, first = 0; rows > 0 && panel < panels; panel++) {
        const ptrdiff_t own = vecs / panels + (panel < vecs % panels);
        F(tile) t = whole;
        t.b += first;
        t.c += first;
        if (t.from) t.from += first;
        for (ptrdiff_t k = 0; k < depth; k += TILE_DEPTH) {
            const int ends = depth - k <= TILE_DEPTH;
            t.depth = ends ? depth - k : TILE_DEPTH;
            t.rectifies = ends && whole.rectifies;
            t.gate = ends && whole.gate ? whole.gate + first : NULL;
            F(tiled_rows)(t, rows, (int)own);
            t.a += TILE_DEPTH * t.a_column;
            t.b += TILE_DEPTH * t.b_stride;
            t.from = t.c, t.from_stride = t.c_stride, t.scale = 1;
        }
        first += own * VLEN;
    }
}
