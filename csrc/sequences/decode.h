/* decode.h: the labels that the scores of a sample stand for: of the most probable alignment, or by a search over prefixes of labels, whose
 * alignments are summed (Graves 2012; Hannun et al. 2014).  Prefixes are nodes of a tree, so that one that left the search and comes back
 * is the same.  Knows the softmax of ctc.h only. */

#ifndef FO_DECODE_ONCE
#define FO_DECODE_ONCE
/* a prefix: that of its parent and a label; children are a list */
typedef struct { int32_t parent, label, child, sibling, kept; } beam_node;

/* a prefix in the search: log-probabilities of the frames so far that end with a blank, with its label, and of both.  One that is not in
 * the tree yet has node -1. */
typedef struct {
    double blank, label, total;
    int32_t node, parent, last;
} beam_prefix;

typedef struct {
    ptrdiff_t most, n, n_next; /* prefixes that are kept at most; kept; kept of the next frame */
    beam_prefix *prefixes, *next;
    double *log_share; /* (classes,) of the frame */
    beam_node *nodes;
    int32_t n_nodes;
} beam;

FO_INLINE beam beam_of(const fo_sequence *s, void *scratch) {
    beam b = {s->length, 1, 0, NULL, NULL, NULL, NULL, 1};
    b.prefixes = scratch;
    b.next = b.prefixes + b.most;
    b.log_share = (double *)(b.next + b.most);
    b.nodes = (beam_node *)(b.log_share + s->classes);
    b.nodes[0] = (beam_node){-1, s->blank, -1, -1, 1};
    b.prefixes[0] = (beam_prefix){0, -INFINITY, 0, 0, -1, s->blank};
    return b;
}

FO_INLINE double log_add(double a, double b) {
    const double high = a > b ? a : b, low = a > b ? b : a;
    return low > -INFINITY ? high + log1p(exp(low - high)) : high;
}

/* the child of a prefix by its label; -1: there is none */
FO_INLINE int32_t beam_child(const beam *b, int32_t node, int32_t label) {
    int32_t child = b->nodes[node].child;
    while (child >= 0 && b->nodes[child].label != label) child = b->nodes[child].sibling;
    return child;
}

FO_INLINE int beam_takes(const beam *b, double total) {
    return total > -INFINITY && (b->n_next < b->most || total > b->next[b->n_next - 1].total);
}

/* the next prefixes stay in order, best first */
FO_INLINE void beam_offer(beam *b, beam_prefix c) {
    if (!beam_takes(b, c.total)) return;
    ptrdiff_t at = b->n_next < b->most ? b->n_next++ : b->n_next - 1;
    for (; at > 0 && c.total > b->next[at - 1].total; at--) b->next[at] = b->next[at - 1];
    b->next[at] = c;
}

/* log-probability that a prefix is followed by a label: by its own only after a blank */
FO_INLINE double beam_extended(const beam *b, const beam_prefix *x, int32_t label) {
    return (label == x->last ? x->blank : x->total) + b->log_share[label];
}

/* the prefixes that are kept, as they are after the frame: with a blank or their label once more, or from their parent */
FO_KERNEL void beam_stay(beam *b, int32_t blank) {
    for (ptrdiff_t j = 0; j < b->n; j++) {
        beam_prefix x = b->prefixes[j];
        double label = -INFINITY;
        if (x.parent >= 0) {
            const int32_t kept = b->nodes[x.parent].kept;
            label = x.label + b->log_share[x.last];
            if (kept > 0) label = log_add(label, beam_extended(b, &b->prefixes[kept - 1], x.last));
        }
        x.blank = x.total + b->log_share[blank];
        x.label = label;
        x.total = log_add(x.blank, x.label);
        beam_offer(b, x);
    }
}

/* the prefixes with a label more, but for those that are kept themselves */
FO_KERNEL void beam_grow(beam *b, ptrdiff_t classes, int32_t blank) {
    for (ptrdiff_t j = 0; j < b->n; j++)
        for (int32_t c = 0; c < classes; c++) {
            const beam_prefix *x = &b->prefixes[j];
            const double total = c == blank ? -INFINITY : beam_extended(b, x, c);
            if (!beam_takes(b, total)) continue;
            const int32_t child = beam_child(b, x->node, c);
            if (child < 0 || !b->nodes[child].kept) beam_offer(b, (beam_prefix){-INFINITY, total, total, child, x->node, c});
        }
}

/* what was found becomes what is kept */
FO_KERNEL void beam_turn(beam *b) {
    beam_prefix *spare = b->prefixes;
    for (ptrdiff_t j = 0; j < b->n; j++) b->nodes[b->prefixes[j].node].kept = 0;
    for (ptrdiff_t j = 0; j < b->n_next; j++) {
        beam_prefix *x = &b->next[j];
        if (x->node < 0) {
            x->node = b->n_nodes++;
            b->nodes[x->node] = (beam_node){x->parent, x->last, -1, b->nodes[x->parent].child, 0};
            b->nodes[x->parent].child = x->node;
        }
        b->nodes[x->node].kept = (int32_t)(j + 1);
    }
    b->prefixes = b->next, b->next = spare;
    b->n = b->n_next, b->n_next = 0;
}

/* the labels of the best prefix */
FO_KERNEL ptrdiff_t beam_labels(const beam *b, int32_t *out) {
    ptrdiff_t n = 0;
    for (int32_t node = b->prefixes[0].node; node > 0; node = b->nodes[node].parent) n++;
    ptrdiff_t i = n;
    for (int32_t node = b->prefixes[0].node; node > 0; node = b->nodes[node].parent) out[--i] = b->nodes[node].label;
    return n;
}
#endif

/* log Σ exp(p − largest) */
FO_INLINE double F(ctc_log_sum)(ptrdiff_t n, const real *p, real largest) {
    real sum = 0;
    FO_SIMD_SUM(sum)
    for (ptrdiff_t c = 0; c < n; c++) sum += F(exp_)(p[c] - largest);
    return log((double)sum);
}

FO_KERNEL ptrdiff_t F(ctc_greedy)(const fo_sequence *s, const void *scores, int32_t *out, double *score) {
    ptrdiff_t n = 0;
    int32_t last = s->blank;
    if (score) *score = 0;
    for (ptrdiff_t t = 0; t < s->frames; t++) {
        const real *p = (const real *)scores + t * s->stride;
        if (!F(all_finite)(s->classes, p)) return -1;
        const real largest = F(ctc_largest)(s->classes, p);
        int32_t best = 0;
        while (p[best] != largest) best++;
        if (score) *score -= F(ctc_log_sum)(s->classes, p, largest);
        if (best != last && best != s->blank) out[n++] = best;
        last = best;
    }
    return n;
}

FO_KERNEL ptrdiff_t F(ctc_beam)(const fo_sequence *s, const void *scores, void *scratch, int32_t *out, double *score) {
    beam b = beam_of(s, scratch);
    for (ptrdiff_t t = 0; t < s->frames; t++) {
        const real *p = (const real *)scores + t * s->stride;
        if (!F(all_finite)(s->classes, p)) return -1;
        const real largest = F(ctc_largest)(s->classes, p);
        const double log_sum = F(ctc_log_sum)(s->classes, p, largest);
        for (ptrdiff_t c = 0; c < s->classes; c++) b.log_share[c] = (double)p[c] - (double)largest - log_sum;
        beam_stay(&b, s->blank);
        beam_grow(&b, s->classes, s->blank);
        beam_turn(&b);
    }
    if (score) *score = b.prefixes[0].total;
    return beam_labels(&b, out);
}

FO_KERNEL ptrdiff_t F(ctc_beam_scratch)(const fo_sequence *s) {
    return 2 * s->length * (ptrdiff_t)sizeof(beam_prefix) + s->classes * (ptrdiff_t)sizeof(double) +
           (1 + s->frames * s->length) * (ptrdiff_t)sizeof(beam_node);
}
