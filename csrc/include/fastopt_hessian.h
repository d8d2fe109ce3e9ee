/* fastopt_hessian.h: the struct of sums of weighted outer products of rows.  A part of fastopt.h, which reads it behind the structs
 * that it builds on. */
#ifndef FASTOPT_HESSIAN_H
#define FASTOPT_HESSIAN_H

/* Rows and columns of the sums are padded to multiples of these; the rows that one call takes at most. */
enum { FO_GRAM_ROWS = 8, FO_GRAM_BYTES = 192, FO_GRAM_BLOCK = 128 };

/* sums += Σ_i [h_i·x_i, h_i, c_i]·[x_i, 1]ᵀ, on and below the diagonal, over n rows.  Row d of the sums is there with an
 * intercept; the row behind, with c.  Beside dense rows columns are taken in panels of FO_GRAM_BYTES. */
typedef struct {
    ptrdiff_t n;             /* rows, at most FO_GRAM_BLOCK */
    const int32_t *rows;     /* (n,) of X */
    const void *h;           /* (n,) */
    const void *c;           /* (n,), or NULL */
    int intercept;
    int outer;               /* CSR: by outer products of the stored values alone; else rows are spread out first */
    ptrdiff_t begin, end;    /* panels; outer: all of them, whatever these say */
    const void *centre;      /* (d,) subtracted from each dense row where it is read, or NULL */
    void *left, *right;      /* scratch for FO_GRAM_BLOCK rows of padded columns each, 64-byte aligned */
    ptrdiff_t stride;        /* numbers from one row of the sums to the next */
    double *sums;            /* from the row `first` on */
    ptrdiff_t first;         /* rows of the sums before this one, a multiple of FO_GRAM_ROWS, are not wanted */
    const int32_t *columns;  /* (d,) rows of X, which is transposed, d of them, data at the first sample; NULL: it is not */
} fo_gram;

#endif
