"""Learning rates and batch sizes that follow from losses and gradients, as numbers: csrc/include/fastopt_driven.h.

Used by schedules/_curves.pyx, for Python, and _sgd/batch/feedback.pyx.
"""

cdef extern from "fastopt_driven.h" nogil:
    ctypedef struct fo_noise:
        double decay, least, most, size, variance, squared_mean, updates

    double fo_polyak_rate(double lowest, double most, double c, double value, double square)
    double fo_noise_scale(const fo_noise *noise)
    int fo_noise_note(fo_noise *noise, double n, double N, double few, double many)
