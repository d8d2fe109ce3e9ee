/* fastopt_driven.h: learning rates and batch sizes that follow from losses and gradients: a few numbers a step, in double.
 * Used by schedules/_curves.pyx and _sgd/batch/feedback.pyx, which include it; knows neither X nor weights. */
#ifndef FASTOPT_DRIVEN_H
#define FASTOPT_DRIVEN_H

#include <math.h>

/* (value − lowest)/(c·‖g‖²), at most `most` */
static inline double fo_polyak_rate(double lowest, double most, double c, double value, double square) {
    const double bound = c * square;
    return bound > 0 ? fmin((value - lowest) / bound, most) : most;
}

/* A batch size near the noise scale S/‖G‖²: averages of the variance of a row's gradient and of the squared mean gradient. */
typedef struct {
    double decay, least, most; /* what averages keep; bounds of the size */
    double size, variance, squared_mean, updates;
} fo_noise;

/* 0 where the averages leave nothing of S, infinite where they leave nothing of ‖G‖² */
static inline double fo_noise_scale(const fo_noise *s) {
    return s->variance <= 0 ? 0 : s->squared_mean <= 0 ? INFINITY : s->variance / s->squared_mean;
}

/* From the squared norms of the mean gradient over n and N > n rows; 0 where that overflows, and nothing is changed.  McCandlish
 * et al. 2018, appendix A.1, with the estimates times n and over N, so that nothing overflows early. */
static inline int fo_noise_note(fo_noise *s, double n, double N, double few, double many) {
    const double share = n / N, kept = s->decay;
    const double squared_mean = kept * s->squared_mean + (1 - kept) * ((many - share * few) / (1 - share));
    const double variance = kept * s->variance + (1 - kept) * ((few - many) * n / (1 - share));
    if (!isfinite(squared_mean) || !isfinite(variance)) return 0;
    s->squared_mean = squared_mean, s->variance = variance, s->updates++;
    s->size = fmin(fmax(rint(fmin(fmax(fo_noise_scale(s), s->size / 2), 2 * s->size)), s->least), s->most);
    return 1;
}

#endif
