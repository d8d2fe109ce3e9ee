"""Losses of sequences, plainly: cross-entropies of tokens, costs of sequences that were drawn, edit distances.  Never imports fastopt."""
import functools

import numpy as np
import scipy.special


def cross_entropies(y, p, smoothing=0.0):
    """The loss of each token: y (N, T), p (N, T, C)."""
    log_share = scipy.special.log_softmax(np.asarray(p, np.float64), axis=-1)
    own = np.take_along_axis(log_share, np.asarray(y)[..., None], axis=-1)[..., 0]
    return -(1 - smoothing) * own - smoothing * log_share.mean(axis=-1)


def expected_cost(costs, p, alpha):
    """Of the sequences of one input, by their probabilities among themselves."""
    q = np.exp(alpha * np.asarray(p, np.float64) - scipy.special.logsumexp(alpha * np.asarray(p, np.float64)))
    return float(q @ costs)


def beside_baseline(costs, p, baseline=None):
    """The mean of (cost − baseline)·p; without one it is the mean cost of the others."""
    costs = np.asarray(costs, np.float64)
    others = np.array([np.delete(costs, k).mean() for k in range(len(costs))]) if baseline is None else baseline
    return float(np.mean((costs - others) * p))


def edits(a, b):
    """The Levenshtein distance by its definition."""
    a, b = tuple(a), tuple(b)

    @functools.cache
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        return min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
    return distance(len(a), len(b))
