/* edits.h: how many labels must be put in, taken out or replaced to make one sequence another (Levenshtein 1966).  The same for both element
 * types. */
#ifndef FO_EDITS_ONCE
#define FO_EDITS_ONCE
/* row (m + 1,): scratch, the distances of what is read of a from each beginning of b */
FO_KERNEL ptrdiff_t edit_distance(ptrdiff_t n, const int64_t *a, ptrdiff_t m, const int64_t *b, int64_t *row) {
    for (ptrdiff_t j = 0; j <= m; j++) row[j] = j;
    for (ptrdiff_t i = 0; i < n; i++) {
        int64_t before = row[0], left = row[0] = i + 1; /* of both beginnings without their last labels; of that of b alone */
        for (ptrdiff_t j = 0; j < m; j++) {
            const int64_t replaced = before + (a[i] != b[j]), above = row[j + 1], shorter = above < left ? above : left;
            before = above;
            left = row[j + 1] = replaced <= shorter ? replaced : shorter + 1;
        }
    }
    return row[m];
}
#endif
