"""The transducer, plainly: all paths one by one, and sums of logarithms over the grid of frames and labels.

Never imports fastopt: an oracle must not depend on what it tests.
"""
import itertools

import numpy as np
import scipy.special


def enumerated(p, labels, blank):
    """The loss of one sample, p (T, U + 1, C), by enumeration: of T + U − 1 steps before the last blank, U say labels."""
    log_share = scipy.special.log_softmax(np.asarray(p, np.float64), axis=2)
    frames, length, found = len(p), len(labels), []
    for says in itertools.combinations(range(frames + length - 1), length):
        t = u = 0
        total = log_share[frames - 1, length, blank]
        for step in range(frames + length - 1):
            if step in says:
                total += log_share[t, u, labels[u]]
                u += 1
            else:
                total += log_share[t, u, blank]
                t += 1
        found.append(total)
    return -scipy.special.logsumexp(found)


def _alpha(blanks, says):
    """log of the probability of coming to each cell, (T, U + 1), from what cells say."""
    alpha = np.full(blanks.shape, -np.inf)
    alpha[0, 0] = 0
    for t in range(alpha.shape[0]):
        for u in range(alpha.shape[1]):
            if t:
                alpha[t, u] = np.logaddexp(alpha[t, u], alpha[t - 1, u] + blanks[t - 1, u])
            if u:
                alpha[t, u] = np.logaddexp(alpha[t, u], alpha[t, u - 1] + says[t, u - 1])
    return alpha


def log_space(p, labels, blank):
    """Loss and gradient of one sample, in logarithms."""
    p = np.asarray(p, np.float64)
    frames, length = len(p), len(labels)
    log_share = scipy.special.log_softmax(p[:, :length + 1], axis=2)
    blanks, says = log_share[:, :, blank], log_share[:, np.arange(length), labels] if length else np.zeros((frames, 0))
    alpha = _alpha(blanks, says)
    total = alpha[-1, -1] + blanks[-1, -1]
    beta = np.full((frames + 1, length + 2), -np.inf)   # from a cell to the end
    beta[frames, length] = 0
    for t in range(frames - 1, -1, -1):
        for u in range(length, -1, -1):
            beta[t, u] = beta[t + 1, u] + blanks[t, u]
            if u < length:
                beta[t, u] = np.logaddexp(beta[t, u], beta[t, u + 1] + says[t, u])
    by_blank = np.exp(alpha + blanks + beta[1:, :-1] - total)
    by_label = np.exp(alpha[:, :-1] + says + beta[:-1, 1:-1] - total)
    gradient = np.zeros_like(p)
    passes = by_blank.copy()
    passes[:, :-1] += by_label
    gradient[:, :length + 1] = np.exp(log_share) * passes[:, :, None]
    gradient[:, :length + 1, blank] -= by_blank
    for u in range(length):
        gradient[:, u, labels[u]] -= by_label[:, u]
    return -total, gradient
