"""Losses of rankings of one query, pair by pair: what the kernels are held against.  Never imports fastopt."""
import numpy as np
from scipy.special import log_softmax, softmax


def pairs(y):
    return [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i] > y[j]]


def pairwise_logistic(y, p, sigma=1.0):
    return np.mean([np.logaddexp(0, -sigma * (p[i] - p[j])) for i, j in pairs(y)]) if pairs(y) else 0.0


def margin_ranking(y, p, margin=1.0):
    return np.mean([max(0.0, margin - (p[i] - p[j])) for i, j in pairs(y)]) if pairs(y) else 0.0


def listnet(y, p):
    return -(softmax(y) @ log_softmax(p)) if pairs(y) else 0.0


def gains_of(y, gains):
    y = np.asarray(y)
    return 2.0 ** y - 1 if gains == "exponential" else y.astype(float) if gains == "linear" else np.asarray(gains)[y]


def ideal(gain, k):
    return sum(g / np.log2(2 + rank) for rank, g in enumerate(sorted(gain, reverse=True)[:k]))


def lambda_weights(y, p, sigma=1.0, k=None, gains="exponential", normalize=False):
    """{(i, j): what the logistic loss of the pair is multiplied by}, at these scores."""
    gain, k = gains_of(y, gains), len(y) if k is None else k
    rank = np.empty(len(y), int)
    rank[sorted(range(len(y)), key=lambda i: (-p[i], i))] = np.arange(len(y))
    found, total = {}, 0.0
    for i, j in pairs(gain):
        if min(rank[i], rank[j]) >= k:
            continue
        change = abs(gain[i] - gain[j]) * abs(1 / np.log2(2 + rank[i]) - 1 / np.log2(2 + rank[j])) / ideal(gain, k)
        if normalize and max(p) != min(p):
            change /= 0.01 + abs(p[i] - p[j])
        found[i, j] = change
        total += 2 * sigma * change / (1 + np.exp(sigma * (p[i] - p[j])))
    factor = np.log2(1 + total) / total if normalize and total > 0 else 1.0
    return {pair: weight * factor for pair, weight in found.items()}


def lambdarank(y, p, weights, sigma=1.0):
    return sum(weight * np.logaddexp(0, -sigma * (p[i] - p[j])) for (i, j), weight in weights.items())
