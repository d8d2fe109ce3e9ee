/* fastopt_sequences.h: a sequence of scores and the labels that it stands for, one after the other but nobody knows when; or token by token;
 * or whole sequences and their costs.  A part of fastopt.h, used by losses/_sequences; what the kernels compute is in csrc/sequences. */
#ifndef FASTOPT_SEQUENCES_H
#define FASTOPT_SEQUENCES_H

/* The scores of one sample, frame after frame: row t of p and of its gradient lies t·stride elements behind the first. */
typedef struct {
    ptrdiff_t frames;      /* that count */
    ptrdiff_t behind;      /* further ones, which are not read, and have no gradient */
    ptrdiff_t classes, stride;
    int32_t blank;         /* the class that stands for no label */
    ptrdiff_t length;      /* labels of the target; of ctc_beam: prefixes that are kept */
    const int32_t *labels; /* (length,), none of them the blank */
} fo_sequence;

/* The scores of one sample for each frame and each number of labels said so far, row after row: (all_frames, places, classes). */
typedef struct {
    ptrdiff_t frames, length;     /* that count, at least 1; labels of the target, less than `places` */
    ptrdiff_t all_frames, places, classes;
    int32_t blank;
    const int32_t *labels;        /* (length,), none of them the blank */
} fo_transduction;

/* Tokens: rows of scores, and the class that each says. */
typedef struct {
    ptrdiff_t n, classes;
    double smoothing;             /* share of a token that counts for all classes alike */
    double factor;                /* of the gradient, besides the weight */
    const int32_t *labels;        /* (n,); below 0 where the token does not count */
    const void *weight;           /* (n,), or NULL */
} fo_tokens;

/* k sequences drawn for each of n inputs. */
typedef struct {
    ptrdiff_t n, k;
    double alpha, factor;         /* how sharp; of the gradient, besides the weight */
    const unsigned char *mask;    /* (n, k), 0 where a sequence does not count, one or more of each input does; or NULL */
    const void *weight;           /* (n,), or NULL */
    const void *baseline;         /* (n,), or NULL: the mean cost of the other sequences */
} fo_risk;

typedef struct {
    /* −log of the probability of the labels, summed over all alignments; infinite if there are none, nan if a score is not finite.
     * grads: factor times its derivative in the scores, 0 if there are no alignments; NULL: it is not wanted. */
    double (*ctc)(const fo_sequence *s, double factor, const void *p, void *scratch, void *grads);
    /* elements that its scratch has */
    ptrdiff_t (*ctc_scratch)(const fo_sequence *s);
    /* The labels of the most probable alignment into out (frames,), and the log of its probability; score NULL: it is not wanted.  How many
     * labels there are; −1 if a score is not finite. */
    ptrdiff_t (*ctc_greedy)(const fo_sequence *s, const void *p, int32_t *out, double *score);
    /* The same of a search for the most probable labels that keeps `length` prefixes; its scratch is aligned for doubles. */
    ptrdiff_t (*ctc_beam)(const fo_sequence *s, const void *p, void *scratch, int32_t *out, double *score);
    /* bytes that its scratch has */
    ptrdiff_t (*ctc_beam_scratch)(const fo_sequence *s);
    /* −log of the probability that a path says the labels; nan if a score is not finite.  grads: factor times its derivative in the scores,
     * 0 where they do not count; NULL: it is not wanted. */
    double (*transducer)(const fo_transduction *s, double factor, const void *p, void *scratch, void *grads);
    /* elements that its scratch has */
    ptrdiff_t (*transducer_scratch)(const fo_transduction *s);
    /* Of the next three: the sum of the weighted losses; values (n,), each of them, or NULL; grads, factor times the derivative of the sum, rows
     * `stride` apart, 0 where all may go into one. */
    /* cross-entropies of the softmax; nan if a score that counts is not finite */
    double (*tokens)(const fo_tokens *t, const void *p, void *values, void *grads, ptrdiff_t stride);
    /* the cost that is expected, p being log-probabilities; and the mean of (cost − baseline)·p */
    double (*risk)(const fo_risk *r, const void *costs, const void *p, void *values, void *grads, ptrdiff_t stride);
    double (*reinforce)(const fo_risk *r, const void *costs, const void *p, void *values, void *grads, ptrdiff_t stride);
    /* how many labels must be put in, taken out or replaced; row (m + 1,) is scratch */
    ptrdiff_t (*edit_distance)(ptrdiff_t n, const int64_t *a, ptrdiff_t m, const int64_t *b, int64_t *row);
} fo_sequence_kernels;

#endif
