/* plain_loop.c: an epoch of per-sample SGD with log loss and l2 as twenty lines of C have it, written fairly: the rows to come are
 * prefetched, l2 is one factor for all weights, a sum has four parts, so that its additions do not wait for each other.  Compiled by
 * bench_plain_loop.py with every option that helps. */
#include <math.h>
#include <stdint.h>

#define AHEAD 8
#define STEP(product) \
    const float p = scale * (product) + b, e = expf(-y[r] * p), g = -y[r] * e / (1 + e); \
    loss += logf(1 + e); \
    scale *= 1 - lr * l2; \
    const float c = -lr * g / scale

static void prefetch(const void *p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + i);
}

double epoch_csr(int64_t n, const int32_t *order, const int32_t *indptr, const int32_t *columns, const float *x, const float *y,
                 int64_t d, float lr, float l2, float *w) {
    float scale = 1, b = 0;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const int32_t r = order[i], ahead = order[i + AHEAD < n ? i + AHEAD : n - 1], end = indptr[r + 1];
        int32_t j = indptr[r];
        prefetch(x + indptr[ahead], 4 * (indptr[ahead + 1] - indptr[ahead]));
        prefetch(columns + indptr[ahead], 4 * (indptr[ahead + 1] - indptr[ahead]));
        float z[4] = {0};
        for (; j + 4 <= end; j += 4)
            for (int k = 0; k < 4; k++) z[k] += x[j + k] * w[columns[j + k]];
        for (; j < end; j++) z[0] += x[j] * w[columns[j]];
        STEP((z[0] + z[1]) + (z[2] + z[3]));
        for (j = indptr[r]; j < end; j++) w[columns[j]] += c * x[j];
        b -= 0.01f * lr * g;
    }
    for (int64_t j = 0; j < d; j++) w[j] *= scale;
    return loss;
}

double epoch_dense(int64_t n, const int32_t *order, const float *x, const float *y, int64_t d, float lr, float l2, float *w) {
    float scale = 1, b = 0;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        const int32_t r = order[i];
        const float *row = x + r * d;
        float z = 0;
        prefetch(x + order[i + AHEAD < n ? i + AHEAD : n - 1] * d, 4 * d);
        for (int64_t j = 0; j < d; j++) z += row[j] * w[j]; /* in lanes: -ffast-math */
        STEP(z);
        for (int64_t j = 0; j < d; j++) w[j] += c * row[j];
        b -= lr * g;
    }
    for (int64_t j = 0; j < d; j++) w[j] *= scale;
    return loss;
}
