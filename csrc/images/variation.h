/* variation.h: total variation of a plane, Rudin, Osher and Fatemi 1992: sizes of differences to the next pixel on the right and below, 0 at the
 * edges, √(d² + eps²) − eps = d²/(√(d² + eps²) + eps).  A row at a time; the slopes of the row above are kept. */

FO_KERNEL ptrdiff_t F(variation_scratch)(const fo_plane *s) { return 4 * s->width; }

/* of each pixel of a row: its share, and the slopes in its differences, in their place */
FO_INLINE void F(variation_row)(const int isotropic, ptrdiff_t w, real eps, real *restrict right, real *restrict down, real *restrict size) {
    FO_SIMD
    for (ptrdiff_t j = 0; j < w; j++) {
        const real a = right[j] * right[j], b = down[j] * down[j], square = eps * eps;
        const real m = F(sqrt_)(isotropic ? a + b + square : a + square), n = isotropic ? m : F(sqrt_)(b + square);
        const real of_m = m > 0 ? m : 1, of_n = n > 0 ? n : 1; /* no difference has no slope */
        size[j] = isotropic ? (a + b) / (of_m + eps) : a / (of_m + eps) + b / (of_n + eps);
        right[j] /= of_m;
        down[j] /= of_n;
    }
}

FO_KERNEL double F(variation)(const fo_plane *s, double factor, const void *image, void *scratch, void *grads) {
    const ptrdiff_t h = s->height, w = s->width;
    real *right = scratch, *size = right + w, *down = size + w, *above = down + w;
    const real eps = (real)s->eps, scale = (real)factor;
    double sum = 0;
    for (ptrdiff_t j = 0; j < w; j++) above[j] = 0;
    for (ptrdiff_t i = 0; i < h; i++) {
        const real *row = (const real *)image + i * w, *next = i + 1 < h ? row + w : row;
        for (ptrdiff_t j = 0; j + 1 < w; j++) right[j] = row[j + 1] - row[j];
        right[w - 1] = 0;
        for (ptrdiff_t j = 0; j < w; j++) down[j] = next[j] - row[j];
        if (s->isotropic) F(variation_row)(1, w, eps, right, down, size);
        else F(variation_row)(0, w, eps, right, down, size);
        sum += (double)F(loss_sum)(w, NULL, size);
        if (grads) {
            real *g = (real *)grads + i * w;
            g[0] = scale * (above[0] - down[0] - right[0]);
            FO_SIMD
            for (ptrdiff_t j = 1; j < w; j++) g[j] = scale * ((above[j] - down[j]) + (right[j - 1] - right[j]));
        }
        real *free_row = above;
        above = down;
        down = free_row;
    }
    return sum;
}
