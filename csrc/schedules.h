/* schedules.h: the learning rate of each step, once, in double.  Evaluated a block of steps at a time, so that no
 * schedule costs more than another in the loop over samples. */
#ifndef FASTOPT_SCHEDULES_H
#define FASTOPT_SCHEDULES_H

/* eta0; `adaptive` divides it between epochs, pa1 and pa2 take their step from each sample's loss */
FO_INLINE double schedule_constant(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_adaptive(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_pa1(const fo_schedule *h, double t) { (void)t; return h->lr; }
FO_INLINE double schedule_pa2(const fo_schedule *h, double t) { (void)t; return h->lr; }
/* 1/(alpha·(t0 + t − 1)), Bottou 2012 */
FO_INLINE double schedule_optimal(const fo_schedule *h, double t) { return 1 / (h->alpha * (h->t0 + t - 1)); }
/* eta0/t^power_t */
FO_INLINE double schedule_invscaling(const fo_schedule *h, double t) { return h->lr / F(pow)(t, h->power_t); }

/* lr[i] = schedule(t + i) */
static void lr_block(const fo_schedule *h, ptrdiff_t n, double t, double *lr) {
    switch (h->kind) {
#define LR_LOOP(name) \
    case FO_SCHEDULE_##name: \
        FO_SIMD \
        for (ptrdiff_t i = 0; i < n; i++) lr[i] = schedule_##name(h, t + (double)i); \
        break;
        FO_SCHEDULES(LR_LOOP)
#undef LR_LOOP
    }
}
#endif
