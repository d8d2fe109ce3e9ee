/* touched_columns.h: the columns in which CSR rows have values, numbered anew in their order: a bit a column, and before each group of bits how
 * many are set, so that numbers come without a search.  Used by _sgd/per_sample/touched_columns.pyx. */

FO_INLINE ptrdiff_t bit_count(uint32_t bits) { /* compilers know this for one instruction where there is one */
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    return (ptrdiff_t)(((bits + (bits >> 4)) & 0x0F0F0F0Fu) * 0x01010101u >> 24);
}

FO_INLINE ptrdiff_t touch_loop(const int layout, const fo_matrix *X, fo_marks *marks, void *columns, void *places) {
    const ptrdiff_t groups = X->d / FO_MARKS + 1, values = row_start(layout, X, X->n);
    ptrdiff_t count = 0;
    memset(marks, 0, (size_t)groups * sizeof(fo_marks));
    for (ptrdiff_t i = 0; i < values; i++) {
        const size_t j = (size_t)column(layout, X->indices, i);
        marks[j / FO_MARKS].bits |= (uint32_t)1 << j % FO_MARKS;
    }
    for (ptrdiff_t group = 0; group < groups; group++) {
        marks[group].before = (int32_t)count;
        count += bit_count(marks[group].bits);
    }
    for (ptrdiff_t i = 0; i < values; i++) {
        const size_t j = (size_t)column(layout, X->indices, i);
        const fo_marks own = marks[j / FO_MARKS];
        const ptrdiff_t place = own.before + bit_count(own.bits & (((uint32_t)1 << j % FO_MARKS) - 1));
        if (layout == FO_CSR32) {
            ((int32_t *)places)[i] = (int32_t)place;
            ((int32_t *)columns)[place] = (int32_t)j;
        } else {
            ((int64_t *)places)[i] = (int64_t)place;
            ((int64_t *)columns)[place] = (int64_t)j;
        }
    }
    return count;
}

FO_KERNEL ptrdiff_t touched_columns(const fo_matrix *X, fo_marks *marks, void *columns, void *places) {
    if (X->layout == FO_CSR32) return touch_loop(FO_CSR32, X, marks, columns, places);
    return touch_loop(FO_CSR64, X, marks, columns, places);
}
