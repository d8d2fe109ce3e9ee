/* fastopt_sequences.h: a sequence of scores and the labels that it stands for, one after the other but nobody knows when.  A part of
 * fastopt.h, used by losses/_ctc.pyx; what the kernels compute is in csrc/sequences. */
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
} fo_sequence_kernels;

#endif
