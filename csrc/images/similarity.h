/* similarity.h: structural similarity, Wang et al. 2004: of the means, variances and covariance of two planes under a window that slides over all
 * places inside; and its derivative in one of them.
 *
 * The window is a product of two, so that a row is filtered along itself once, and lies in a ring of as many rows as the window is high; each row of
 * windows is a sum of the ring's.  Slopes go the same way back: into a second ring, whose oldest row is complete when its last window is done.
 * Variances do not change with what is taken off a plane: its mean is, so that they are no small differences of large squares. */

#ifndef FO_SIMILARITY_ONCE
#define FO_SIMILARITY_ONCE
enum { MOMENTS = 5, SLOPES = 3 };
#endif

/* what lies where in the scratch, in elements */
typedef struct {
    ptrdiff_t across;  /* windows in a row */
    ptrdiff_t rows;    /* MOMENTS rows of pixels: x, y, x², y², x·y */
    ptrdiff_t moments, slopes, values; /* of a row of windows */
    ptrdiff_t ring, back, end;
} F(similarity_places);

FO_INLINE F(similarity_places) F(similarity_places_of)(const fo_plane *s) {
    F(similarity_places) at;
    at.across = s->width - s->taps + 1;
    at.rows = 0;
    at.moments = at.rows + MOMENTS * s->width;
    at.slopes = at.moments + MOMENTS * at.across;
    at.values = at.slopes + SLOPES * at.across;
    at.ring = at.values + at.across;
    at.back = at.ring + MOMENTS * s->taps * at.across;
    at.end = at.back + SLOPES * s->taps * at.across;
    return at;
}

FO_KERNEL ptrdiff_t F(similarity_scratch)(const fo_plane *s) { return F(similarity_places_of)(s).end; }

/* out += weight·x */
FO_INLINE void F(add_row)(ptrdiff_t n, real weight, const real *restrict x, real *restrict out) {
    FO_SIMD
    for (ptrdiff_t j = 0; j < n; j++) out[j] = F(fma_)(weight, x[j], out[j]);
}

FO_INLINE void F(clear_row)(ptrdiff_t n, real *out) { memset(out, 0, (size_t)n * sizeof(real)); }

/* the mean of a plane */
FO_INLINE real F(plane_mean)(const fo_plane *s, const real *x) {
    double sum = 0;
    for (ptrdiff_t i = 0; i < s->height; i++) sum += (double)F(loss_sum)(s->width, NULL, x + i * s->width);
    return (real)(sum / ((double)s->height * (double)s->width));
}

/* row i of the planes, filtered along itself, into its place in the ring */
FO_INLINE void F(similarity_filter)(const fo_plane *s, F(similarity_places) at, const real *restrict x, const real *restrict y, real x_mean,
                                    real y_mean, real *scratch, real *ring) {
    const ptrdiff_t w = s->width;
    real *restrict rows = scratch + at.rows;
    FO_SIMD
    for (ptrdiff_t j = 0; j < w; j++) {
        const real a = x[j] - x_mean, b = y[j] - y_mean;
        rows[j] = a, rows[w + j] = b, rows[2 * w + j] = a * a, rows[3 * w + j] = b * b, rows[4 * w + j] = a * b;
    }
    F(clear_row)(MOMENTS * at.across, ring);
    for (int q = 0; q < MOMENTS; q++)
        for (ptrdiff_t t = 0; t < s->taps; t++) F(add_row)(at.across, ((const real *)s->window)[t], rows + q * w + t, ring + q * at.across);
}

/* a row of windows: similarities, and their slopes in the three moments that depend on x */
FO_INLINE void F(similarity_row)(const fo_plane *s, ptrdiff_t n, const real *restrict m, real x_mean, real y_mean, real *restrict values,
                                 real *restrict slopes) {
    const real c1 = (real)s->c1, c2 = (real)s->c2;
    FO_SIMD
    for (ptrdiff_t j = 0; j < n; j++) {
        const real a = m[j], b = m[n + j], x = a + x_mean, y = b + y_mean;
        const real top1 = 2 * x * y + c1, top2 = 2 * (m[4 * n + j] - a * b) + c2;
        const real low1 = x * x + y * y + c1, low2 = (m[2 * n + j] - a * a) + (m[3 * n + j] - b * b) + c2;
        const real inverse1 = 1 / low1, inverse2 = 1 / low2, first = top1 * inverse1, second = top2 * inverse2, value = first * second;
        const real in_square = -value * inverse2, in_product = 2 * first * inverse2;
        values[j] = value;
        slopes[j] = 2 * inverse1 * (y * second - x * value) - 2 * a * in_square - b * in_product;
        slopes[n + j] = in_square;
        slopes[2 * n + j] = in_product;
    }
}

/* the gradient of row i of x, whose slopes are complete */
FO_INLINE void F(similarity_back)(const fo_plane *s, F(similarity_places) at, real factor, const real *restrict x, const real *restrict y, real x_mean,
                                  real y_mean, real *scratch, const real *back, real *restrict g) {
    const ptrdiff_t w = s->width;
    real *restrict rows = scratch + at.rows;
    F(clear_row)(SLOPES * w, rows);
    for (int q = 0; q < SLOPES; q++)
        for (ptrdiff_t t = 0; t < s->taps; t++) F(add_row)(at.across, ((const real *)s->window)[t], back + q * at.across, rows + q * w + t);
    FO_SIMD
    for (ptrdiff_t j = 0; j < w; j++) g[j] = factor * (rows[j] + 2 * (x[j] - x_mean) * rows[w + j] + (y[j] - y_mean) * rows[2 * w + j]);
}

FO_KERNEL double F(similarity)(const fo_plane *s, double factor, const void *target, const void *image, void *scratch, void *grads) {
    const F(similarity_places) at = F(similarity_places_of)(s);
    const ptrdiff_t h = s->height, w = s->width, k = s->taps, n = at.across;
    const real *x = image, *y = target, *window = s->window;
    real *room = scratch, *moments = room + at.moments, *slopes = room + at.slopes, *ring = room + at.ring, *back = room + at.back;
    const real x_mean = F(plane_mean)(s, x), y_mean = F(plane_mean)(s, y);
    double sum = 0;
    F(clear_row)(SLOPES * k * n, back);
    for (ptrdiff_t i = 0; i < h + k - 1; i++) { /* row i enters; the windows that end with it begin with row `top` */
        const ptrdiff_t top = i - k + 1;
        if (i < h) F(similarity_filter)(s, at, x + i * w, y + i * w, x_mean, y_mean, room, ring + i % k * MOMENTS * n);
        if (top < 0) continue;
        if (i < h) {
            F(clear_row)(MOMENTS * n, moments);
            for (ptrdiff_t t = 0; t < k; t++) F(add_row)(MOMENTS * n, window[t], ring + (top + t) % k * MOMENTS * n, moments);
            F(similarity_row)(s, n, moments, x_mean, y_mean, room + at.values, slopes);
            sum += (double)F(loss_sum)(n, NULL, room + at.values);
        }
        if (!grads) continue;
        if (i < h)
            for (ptrdiff_t t = 0; t < k; t++) F(add_row)(SLOPES * n, window[t], slopes, back + (top + t) % k * SLOPES * n);
        real *done = back + top % k * SLOPES * n;
        F(similarity_back)(s, at, (real)factor, x + top * w, y + top * w, x_mean, y_mean, room, done, (real *)grads + top * w);
        F(clear_row)(SLOPES * n, done);
    }
    return sum;
}
