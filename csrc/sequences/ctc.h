/* ctc.h: connectionist temporal classification of one sample, Graves et al. 2006: the probability that the frames say the labels, each for
 * one frame or several, with blanks between them where there are any, summed over all alignments; and its derivative.
 *
 * Label i stands between blank i and blank i + 1.  Forwards, alpha is the probability of the frames so far and of being in a state; backwards,
 * beta is that of the frames to come.  Both are wide numbers (wide.h): all states of a frame are independent, and all loops are vectorised.
 * What is found on the way forwards lies in the scratch for the way back. */

/* The states of a frame, arrays of `width`, of which the last are impossible.  In memory, label_e, blank_m, label_m and blank_e follow
 * each other: before the first label lies an array that ends with what is impossible too. */
typedef struct { real *label_m, *label_e, *blank_m, *blank_e; } F(ctc_states);

FO_INLINE F(ctc_states) F(ctc_states_at)(real *row, ptrdiff_t width) {
    return (F(ctc_states)){row + 2 * width, row, row + width, row + 3 * width};
}

FO_INLINE F(ctc_states) F(ctc_impossible)(real *row, ptrdiff_t width) {
    const F(ctc_states) states = F(ctc_states_at)(row, width);
    for (ptrdiff_t i = 0; i < width; i++) {
        states.label_m[i] = states.blank_m[i] = 0;
        states.label_e[i] = states.blank_e[i] = WIDE_LEAST;
    }
    return states;
}

/* what lies where in the scratch, in elements: all at whole vectors */
typedef struct {
    ptrdiff_t width;      /* of states: whole vectors, two more at least than there are labels */
    ptrdiff_t guarded;    /* the same with a vector of impossible ones behind */
    ptrdiff_t classes;    /* of p, to whole vectors */
    ptrdiff_t per_frame;  /* of an emission: those of labels, m and e, and of the blank */
    ptrdiff_t skip, share, post, beta, emissions, alpha, end;
} F(ctc_places);

FO_INLINE F(ctc_places) F(ctc_places_of)(const fo_sequence *s) {
    F(ctc_places) at;
    at.width = (s->length + 1 + VLEN) / VLEN * VLEN;
    at.guarded = at.width + VLEN;
    at.classes = (s->classes + VLEN - 1) / VLEN * VLEN;
    at.per_frame = 2 * at.width + VLEN;
    at.skip = 0;
    at.share = at.skip + at.guarded;
    at.post = at.share + 3 * at.classes;
    at.beta = at.post + 4 * at.width;
    at.emissions = at.beta + 2 * 4 * at.guarded;
    at.alpha = at.emissions + s->frames * at.per_frame + VLEN;
    at.end = at.alpha + (s->frames + 1) * 4 * at.width;
    return at;
}

FO_KERNEL ptrdiff_t F(ctc_scratch)(const fo_sequence *s) { return F(ctc_places_of)(s).end; }

/* Σ x, in lanes of 64 bytes whatever the instruction set */
FO_INLINE real F(ctc_sum)(ptrdiff_t n, const real *x) {
    F(vec) sum = F(vset)(0);
    ptrdiff_t i = 0;
    for (; i + VLEN <= n; i += VLEN) sum = F(vadd)(sum, F(vload)(x + i));
    if (i < n) sum = F(vadd)(sum, F(vload_part)(x + i, (int)(n - i)));
    return F(vsum)(sum);
}

FO_INLINE real F(ctc_largest)(ptrdiff_t n, const real *x) {
    real largest = x[0];
    FO_SIMD_MAX(largest)
    for (ptrdiff_t c = 0; c < n; c++) largest = F(max_)(largest, x[c]);
    return largest;
}

/* The softmax of a frame, times factor, into grads, where they are wanted, and the probabilities of labels and blank; 1 if all scores are
 * finite.  They are copied to whole vectors, so that no loop over exponentials has a rest. */
FO_KERNEL int F(ctc_frame)(const fo_sequence *s, F(ctc_places) at, double factor, const real *p, real *restrict scratch, real *restrict emission,
                           real *restrict grads) {
    real *restrict share = scratch + at.share, *restrict m = share + at.classes, *restrict e = m + at.classes;
    const int32_t *restrict labels = s->labels;
    for (ptrdiff_t c = 0; c < s->classes; c++) share[c] = p[c];
    for (ptrdiff_t c = s->classes; c < at.classes; c++) share[c] = p[0];
    if (!F(all_finite)(at.classes, share)) return 0;
    const real largest = F(ctc_largest)(at.classes, share);
    FO_SIMD
    for (ptrdiff_t c = 0; c < at.classes; c++) {
        const F(wide) power = F(wide_exp)(share[c] - largest);
        m[c] = power.m, e[c] = power.e;
        share[c] = power.m * F(wide_power)(power.e);
    }
    const real inverse = 1 / F(ctc_sum)(s->classes, share), scale = (real)factor * inverse;
    if (grads) {
        FO_SIMD
        for (ptrdiff_t c = 0; c < s->classes; c++) grads[c] = share[c] * scale;
    }
    FO_SIMD
    for (ptrdiff_t i = 0; i < s->length; i++) {
        emission[i] = m[labels[i]] * inverse;
        emission[at.width + i] = e[labels[i]];
    }
    for (ptrdiff_t i = s->length; i < at.width; i++) emission[i] = emission[at.width + i] = 0;
    emission[2 * at.width] = m[s->blank] * inverse;
    emission[2 * at.width + 1] = e[s->blank];
    return 1;
}

/* alpha of the next frame: a state follows itself and the one before; a label also the label before, if it is another */
FO_KERNEL void F(ctc_forward)(ptrdiff_t width, const real *restrict skip, const real *restrict emission, F(ctc_states) from,
                              F(ctc_states) to) {
    const real *restrict label_m = from.label_m, *restrict label_e = from.label_e;
    const real *restrict blank_m = from.blank_m, *restrict blank_e = from.blank_e;
    real *restrict next_label_m = to.label_m, *restrict next_label_e = to.label_e;
    real *restrict next_blank_m = to.blank_m, *restrict next_blank_e = to.blank_e;
    const F(wide) says_blank = {emission[2 * width], emission[2 * width + 1]};
    FO_SIMD
    for (ptrdiff_t i = 0; i < width; i++) {
        const F(wide) label = {label_m[i], label_e[i]}, blank = {blank_m[i], blank_e[i]}, before = {label_m[i - 1], label_e[i - 1]};
        const F(wide) skipped = {skip[i] * before.m, skip[i] > 0 ? before.e : WIDE_LEAST};
        const F(wide) says_label = {emission[i], emission[width + i]};
        const F(wide) to_label = F(wide_product)(F(wide_sum)(F(wide_sum)(label, blank), skipped), says_label);
        const F(wide) to_blank = F(wide_product)(F(wide_sum)(blank, before), says_blank);
        next_label_m[i] = to_label.m, next_label_e[i] = to_label.e;
        next_blank_m[i] = to_blank.m, next_blank_e[i] = to_blank.e;
    }
}

/* From beta·emission of the next frame to that of this one, and post = alpha·beta, whose exponents are below all others where it is 0. */
FO_KERNEL void F(ctc_backward)(ptrdiff_t width, const real *restrict skip, const real *restrict emission, F(ctc_states) from,
                               F(ctc_states) alpha, F(ctc_states) to, F(ctc_states) post) {
    const real *restrict label_m = from.label_m, *restrict label_e = from.label_e;
    const real *restrict blank_m = from.blank_m, *restrict blank_e = from.blank_e;
    const real *restrict alpha_label_m = alpha.label_m, *restrict alpha_label_e = alpha.label_e;
    const real *restrict alpha_blank_m = alpha.blank_m, *restrict alpha_blank_e = alpha.blank_e;
    real *restrict to_label_m = to.label_m, *restrict to_label_e = to.label_e;
    real *restrict to_blank_m = to.blank_m, *restrict to_blank_e = to.blank_e;
    real *restrict post_label_m = post.label_m, *restrict post_label_e = post.label_e;
    real *restrict post_blank_m = post.blank_m, *restrict post_blank_e = post.blank_e;
    const F(wide) says_blank = {emission[2 * width], emission[2 * width + 1]};
    FO_SIMD
    for (ptrdiff_t i = 0; i < width; i++) {
        const F(wide) label = {label_m[i], label_e[i]}, blank = {blank_m[i], blank_e[i]};
        const F(wide) next_label = {label_m[i + 1], label_e[i + 1]}, next_blank = {blank_m[i + 1], blank_e[i + 1]};
        const F(wide) skipped = {skip[i + 1] * next_label.m, skip[i + 1] > 0 ? next_label.e : WIDE_LEAST};
        const F(wide) beta_label = F(wide_sum)(F(wide_sum)(label, next_blank), skipped), beta_blank = F(wide_sum)(blank, label);
        const F(wide) says_label = {emission[i], emission[width + i]};
        const F(wide) as_label = F(wide_product)(beta_label, says_label), as_blank = F(wide_product)(beta_blank, says_blank);
        const real in_label = alpha_label_m[i] * beta_label.m, in_blank = alpha_blank_m[i] * beta_blank.m;
        const real label_power = alpha_label_e[i] + beta_label.e, blank_power = alpha_blank_e[i] + beta_blank.e;
        to_label_m[i] = as_label.m, to_label_e[i] = as_label.e;
        to_blank_m[i] = as_blank.m, to_blank_e[i] = as_blank.e;
        post_label_m[i] = in_label, post_label_e[i] = in_label > 0 ? label_power : 4 * WIDE_LEAST;
        post_blank_m[i] = in_blank, post_blank_e[i] = in_blank > 0 ? blank_power : 4 * WIDE_LEAST;
    }
}

/* The gradient of a frame, which holds its softmax: less what the labels and the blank have of it, given the target.  Shares of the states
 * are taken from their sum, not from the probability of the target: rounding of alpha and beta, of many frames, drops out. */
FO_KERNEL void F(ctc_subtract)(const fo_sequence *s, ptrdiff_t width, double factor, F(ctc_states) post, real *grads) {
    real *restrict label = post.label_m, *restrict blank = post.blank_m, top = 4 * WIDE_LEAST;
    const real *restrict label_e = post.label_e, *restrict blank_e = post.blank_e;
    FO_SIMD_MAX(top)
    for (ptrdiff_t i = 0; i < width; i++) top = F(max_)(top, F(max_)(label_e[i], blank_e[i]));
    FO_SIMD
    for (ptrdiff_t i = 0; i < width; i++) {
        label[i] *= F(wide_power)(label_e[i] - top);
        blank[i] *= F(wide_power)(blank_e[i] - top);
    }
    const real blanks = F(ctc_sum)(width, blank), scale = (real)factor / (blanks + F(ctc_sum)(width, label));
    grads[s->blank] -= scale * blanks;
    for (ptrdiff_t i = 0; i < s->length; i++) grads[s->labels[i]] -= scale * label[i];
}

/* Softmax, emissions and alpha of all frames, from the one before the first, in which all is still before the first blank; those of two
 * frames at a time are kept where no gradient is wanted.  Returns the probability of the target; nan if a score is not finite. */
FO_INLINE F(wide) F(ctc_alpha)(const fo_sequence *s, F(ctc_places) at, double factor, const real *p, real *scratch, real *grads) {
    real *alpha = scratch + at.alpha;
    for (ptrdiff_t i = 1; i <= VLEN; i++) alpha[-i] = WIDE_LEAST;
    F(ctc_states) now = F(ctc_impossible)(alpha, at.width);
    now.blank_m[0] = 1, now.blank_e[0] = 0;
    for (ptrdiff_t t = 0; t < s->frames; t++) {
        real *emission = scratch + at.emissions + (grads ? t : 0) * at.per_frame;
        const ptrdiff_t row = grads ? t + 1 : (t + 1) % 2;
        const F(ctc_states) next = F(ctc_states_at)(alpha + row * 4 * at.width, at.width);
        if (!F(ctc_frame)(s, at, factor, p + t * s->stride, scratch, emission, grads ? grads + t * s->stride : NULL)) return (F(wide)){NAN, 0};
        F(ctc_forward)(at.width, scratch + at.skip, emission, now, next);
        now = next;
    }
    const ptrdiff_t last = s->length;
    return F(wide_sum)((F(wide)){now.blank_m[last], now.blank_e[last]}, (F(wide)){now.label_m[last - 1], now.label_e[last - 1]});
}

/* beta of all frames, from the one behind the last, in which all is in the last blank; and what it takes from the gradient */
FO_INLINE void F(ctc_beta)(const fo_sequence *s, F(ctc_places) at, double factor, real *scratch, real *grads) {
    F(ctc_states) later = F(ctc_impossible)(scratch + at.beta, at.guarded);
    F(ctc_states) now = F(ctc_impossible)(scratch + at.beta + 4 * at.guarded, at.guarded);
    const F(ctc_states) post = F(ctc_states_at)(scratch + at.post, at.width);
    later.blank_m[s->length] = 1, later.blank_e[s->length] = 0;
    for (ptrdiff_t t = s->frames - 1; t >= 0; t--) {
        const F(ctc_states) alpha = F(ctc_states_at)(scratch + at.alpha + (t + 1) * 4 * at.width, at.width), spare = later;
        F(ctc_backward)(at.width, scratch + at.skip, scratch + at.emissions + t * at.per_frame, later, alpha, now, post);
        F(ctc_subtract)(s, at.width, factor, post, grads + t * s->stride);
        later = now, now = spare;
    }
}

FO_INLINE void F(ctc_no_gradient)(const fo_sequence *s, ptrdiff_t first, ptrdiff_t end, real *grads) {
    for (ptrdiff_t t = first; t < end; t++) memset(grads + t * s->stride, 0, (size_t)s->classes * sizeof(real));
}

FO_KERNEL double F(ctc)(const fo_sequence *s, double factor, const void *scores, void *scratch_, void *gradient) {
    const F(ctc_places) at = F(ctc_places_of)(s);
    real *scratch = scratch_, *grads = gradient;
    for (ptrdiff_t i = 0; i < at.guarded; i++)
        scratch[at.skip + i] = (real)(i > 0 && i < s->length && s->labels[i] != s->labels[i - 1]);
    const F(wide) probability = F(ctc_alpha)(s, at, factor, scores, scratch, grads);
    if (probability.m != probability.m) return NAN;
    const int possible = probability.m > 0;
    if (grads && possible) F(ctc_beta)(s, at, factor, scratch, grads);
    if (grads) F(ctc_no_gradient)(s, possible ? s->frames : 0, s->frames + s->behind, grads);
    const double loss = -F(wide_log)(probability);
    return loss > 0 ? loss : 0; /* rounding of what is all but certain */
}
