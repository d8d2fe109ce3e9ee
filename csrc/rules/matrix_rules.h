/* matrix_rules.h: what happens in some rows of a matrix under adafactor, which keeps the second moment of a matrix as the
 * product of its means over rows and over columns (Shazeer & Stern 2018).  The passes and their order are those of
 * fastopt/optimizers/_factored.pyx.  The sums over w and the squared steps are those of FO_SUMS(adafactor).
 * Decoupled decay acts on w after its mean square was taken, as in PyTorch. */

FO_KERNEL double F(factor_sums)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, const void *w, void *row,
                             void *columns) {
    const F(coefs) h = F(coefs_of)(step);
    double sum = 0;
    real *restrict c = columns;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *restrict gi = (const real *)g + i * d, *restrict wi = (const real *)w + i * d;
        double total = 0;
        for (ptrdiff_t start = 0; start < d; start += LOSS_CHUNK) {
            const ptrdiff_t m = d - start < LOSS_CHUNK ? d - start : LOSS_CHUNK;
            real squares[LOSS_CHUNK];
            FO_SIMD
            for (ptrdiff_t j = 0; j < m; j++) {
                const real slope = F(gradient)(&h, gi[start + j], wi[start + j]);
                squares[j] = slope * slope;
                c[start + j] += squares[j];
            }
            total += (double)F(loss_sum)(m, NULL, squares);
        }
        ((real *)row)[i] = (real)total;
        sum += F(square_sum)(d, wi);
    }
    return sum;
}

/* Moments of rows and columns move towards the means of g²: of n rows of d columns, whose sums over rows are in row and, for
 * each of some chunks of rows, over columns in `columns`.  Returns the mean of the row moments, at least ε1. */
FO_KERNEL double F(factor_moments)(const fo_step *step, ptrdiff_t chunks, ptrdiff_t n, ptrdiff_t d, const void *row,
                                void *columns, void *row_moment, void *column_moment) {
    const F(coefs) h = F(coefs_of)(step);
    const real least = F(sqrt_)(F(least_square)(&h));
    real *restrict r = row_moment, *restrict c = column_moment, *restrict sums = columns;
    double mean = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        r[i] = F(fma_)(h.one_minus_beta2, ((const real *)row)[i] / (real)d - r[i], r[i]);
        mean += (double)r[i];
    }
    for (ptrdiff_t chunk = 1; chunk < chunks; chunk++)
        for (ptrdiff_t j = 0; j < d; j++) sums[j] += sums[chunk * d + j];
    for (ptrdiff_t j = 0; j < d; j++) c[j] = F(fma_)(h.one_minus_beta2, sums[j] / (real)n - c[j], c[j]);
    mean /= (double)n;
    return mean > (double)least ? mean : (double)least;
}

/* 1/√max(row·column/mean, ε1²) */
FO_INLINE real F(factor_rate)(real row, real column, real least) { return 1 / F(sqrt_)(F(max_)(row * column, least)); }

FO_KERNEL double F(factor_squares)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, const void *w, const void *row,
                                const void *column, double mean) {
    const F(coefs) h = F(coefs_of)(step);
    const real least = F(least_square)(&h), *restrict c = column;
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *restrict gi = (const real *)g + i * d, *restrict wi = (const real *)w + i * d;
        const real scaled = (real)((double)((const real *)row)[i] / mean);
        for (ptrdiff_t start = 0; start < d; start += LOSS_CHUNK) {
            const ptrdiff_t m = d - start < LOSS_CHUNK ? d - start : LOSS_CHUNK;
            real squares[LOSS_CHUNK];
            FO_SIMD
            for (ptrdiff_t j = 0; j < m; j++) {
                const real u = F(gradient)(&h, gi[start + j], wi[start + j]) * F(factor_rate)(scaled, c[start + j], least);
                squares[j] = u * u;
            }
            sum += (double)F(loss_sum)(m, NULL, squares);
        }
    }
    return sum;
}

FO_KERNEL int F(factor_step)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, void *w, const void *row,
                          const void *column, double mean) {
    const F(coefs) h = F(coefs_of)(step);
    const real least = F(least_square)(&h), *restrict c = column;
    real_bits zero = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *restrict gi = (const real *)g + i * d;
        real *restrict wi = (real *)w + i * d;
        const real scaled = (real)((double)((const real *)row)[i] / mean);
        FO_SIMD_OR(zero)
        for (ptrdiff_t j = 0; j < d; j++) {
            const real slope = F(gradient)(&h, gi[j], wi[j]), rate = h.a * F(factor_rate)(scaled, c[j], least);
            const real next = F(soft)(wi[j] * h.decay_factor - rate * slope, rate * h.l1);
            wi[j] = next;
            zero |= F(zero_bits)(next, 1);
        }
    }
    return F(is_zero)(zero);
}
