/* schedules.h: the learning rate of each step, once, in double.  Evaluated a block of steps at a time, so that no
 * schedule costs more than another in the loop over samples.  lists.h says which count t from 1, which from 0. */
#ifndef FASTOPT_SCHEDULES_H
#define FASTOPT_SCHEDULES_H

/* ---- what they share ---- */

FO_INLINE double schedule_least(double a, double b) { return a < b ? a : b; }

/* a where s = 1, b where s = 0, both exactly, and the line between them */
FO_INLINE double schedule_between(double a, double b, double s) { return a * s + b * (1 - s); }

/* (1 + cos(πu))/2 for 0 <= u <= 1, exact at both ends: 1 − sin²(πu/2) up to the middle, sin²(π(1 − u)/2) from there.
 * Coefficients: Taylor's, (−1)^k·(π/2)^(2k + 1)/(2k + 1)!; the first that is left out adds less than 1e-19. */
FO_INLINE double schedule_half_cosine(double u) {
    const double v = u < 0.5 ? u : 1 - u, z = v * v;
    double sine = 6.066935731106195667e-12;
    sine = F(fma_)(sine, z, -6.688035109811467232e-10), sine = F(fma_)(sine, z, 5.692172921967926812e-8);
    sine = F(fma_)(sine, z, -3.59884323521208534e-6), sine = F(fma_)(sine, z, 1.604411847873598219e-4);
    sine = F(fma_)(sine, z, -4.681754135318688101e-3), sine = F(fma_)(sine, z, 7.969262624616704512e-2);
    sine = F(fma_)(sine, z, -6.459640975062462537e-1), sine = v * F(fma_)(sine, z, 1.570796326794896619);
    return u < 0.5 ? 1 - sine * sine : sine * sine;
}

/* decays after t steps: t/steps, or whole ones only */
FO_INLINE double schedule_decays(const fo_schedule *h, double t) {
    const double decays = t / h->steps;
    return h->stairs ? floor(decays) : decays;
}

/* ---- per-sample SGD, t = 1, 2, … ---- */

/* eta0; `adaptive` divides it between epochs, pa1 and pa2 take their step from each sample's loss */
FO_INLINE double schedule_constant(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_adaptive(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_pa1(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_pa2(const fo_schedule *h, double t) { (void)t; return h->lr; }
/* 1/(alpha·(t0 + t − 1)), Bottou 2012 */
FO_INLINE double schedule_optimal(const fo_schedule *h, double t) { return 1 / (h->alpha * (h->t0 + t - 1)); }
/* eta0/t^power_t */
FO_INLINE double schedule_invscaling(const fo_schedule *h, double t) { return h->lr / F(pow)(t, h->power_t); }

/* ---- t = 0, 1, … ---- */

/* lr·rate^decays */
FO_INLINE double schedule_exponential(const fo_schedule *h, double t) {
    return h->lr * F(pow)(h->rate, schedule_decays(h, t));
}
/* lr/(1 + rate·decays) */
FO_INLINE double schedule_inverse_time(const fo_schedule *h, double t) {
    return h->lr / (1 + h->rate * schedule_decays(h, t));
}
/* lr/√(1 + t/steps) */
FO_INLINE double schedule_inverse_sqrt(const fo_schedule *h, double t) { return h->lr / sqrt(1 + t / h->steps); }
/* lr/(t + 1)^power_t */
FO_INLINE double schedule_inverse_scaling(const fo_schedule *h, double t) { return schedule_invscaling(h, t + 1); }
/* end + (lr − end)·(1 − t/steps)^power_t, end from t = steps on */
FO_INLINE double schedule_polynomial(const fo_schedule *h, double t) {
    return schedule_between(h->lr, h->end, F(pow)(1 - schedule_least(t, h->steps) / h->steps, h->power_t));
}
/* end + (lr − end)·(1 + cos(πt/steps))/2, end from t = steps on */
FO_INLINE double schedule_cosine(const fo_schedule *h, double t) {
    return schedule_between(h->lr, h->end, schedule_half_cosine(schedule_least(t / h->steps, 1)));
}
/* the same over and over, each cycle `rate` times as long as the one before.  All numbers here are whole: exact. */
FO_INLINE double schedule_cosine_restarts(const fo_schedule *h, double t) {
    double length = h->steps;
    if (h->rate == 1) t -= length * floor(t / length);
    else while (t >= length) t -= length, length *= h->rate;
    return schedule_between(h->lr, h->end, schedule_half_cosine(t / length));
}
/* lr at 0 → peak at `turn` → middle at `back` → end at `steps` and after, along half cosines or straight lines */
FO_INLINE double schedule_one_cycle(const fo_schedule *h, double t) {
    const int rises = t <= h->turn, falls = !rises && t <= h->back;
    const double from = rises ? h->lr : falls ? h->peak : h->middle, start = rises ? 0 : falls ? h->turn : h->back;
    const double to = rises ? h->peak : falls ? h->middle : h->end, stop = rises ? h->turn : falls ? h->back : h->steps;
    const double share = stop > start ? schedule_least((t - start) / (stop - start), 1) : 1;
    return schedule_between(from, to, h->linear ? 1 - share : schedule_half_cosine(share));
}
/* from lr up to the peak in `turn` steps and back by the end of `steps`; the height of the triangle is multiplied by
 * rate^t, with stairs by rate^(cycles before) */
FO_INLINE double schedule_cyclic(const fo_schedule *h, double t) {
    const double cycles = floor(t / h->steps), at = t - h->steps * cycles;
    const double share = at <= h->turn ? at / h->turn : (h->steps - at) / (h->steps - h->turn);
    return schedule_between(h->peak, h->lr, share * F(pow)(h->rate, h->stairs ? cycles : t));
}

/* lr[i] = schedule(t + i) */
#ifdef __clang__ /* which warns that the cycles of cosine_restarts, counted by a loop, make no vector */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#endif
FO_KERNEL void lr_block(const fo_schedule *h, ptrdiff_t n, double t, double *lr) {
    switch (h->kind) {
#define LR_LOOP(name, first) \
    case FO_SCHEDULE_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) lr[i] = schedule_##name(h, t + (double)i); \
        break;
        FO_SCHEDULES(LR_LOOP)
#undef LR_LOOP
    }
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#endif
