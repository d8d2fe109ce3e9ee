"""Connectionist temporal classification, plainly: all alignments one by one, and sums of logarithms over the states of the target.

Never imports fastopt: an oracle must not depend on what it tests.
"""
import itertools
import math

import numpy as np
import scipy.special


def collapsed(path, blank):
    """The labels of an alignment: one for each run of a class, without the blanks."""
    return tuple(int(c) for c, _ in itertools.groupby(path) if c != blank)


def probabilities(p, blank):
    """{labels: probability} of all labels that the frames p (T, C) can say, by enumeration of the C^T alignments."""
    share, found = scipy.special.softmax(np.asarray(p, np.float64), axis=1), {}
    rows = share.tolist()
    for path in itertools.product(range(share.shape[1]), repeat=len(share)):
        labels = collapsed(path, blank)
        found[labels] = found.get(labels, 0.0) + math.prod(row[c] for row, c in zip(rows, path))
    return found


def enumerated(p, labels, blank):
    """The loss of one sample by enumeration; infinite without an alignment."""
    return -np.log(probabilities(p, blank).get(tuple(labels), 0.0)) if possible(len(p), labels) else np.inf


def possible(frames, labels):
    """Whether there is an alignment: a frame for each label, and one for the blank between equal ones."""
    return frames >= len(labels) + sum(a == b for a, b in zip(labels, labels[1:]))


def _after(states, labels, blank):
    """The states shifted by one place and, where the blank between can be skipped, by two."""
    one = np.concatenate([[-np.inf], states[:-1]])
    two = np.concatenate([[-np.inf, -np.inf], states[:-2]])[:len(states)]
    before = np.concatenate([[blank, blank], labels[:-2]])[:len(labels)]
    return one, np.where((labels != blank) & (labels != before), two, -np.inf)


def _forward(log_share, extended, blank):
    """log alpha (T, 2S + 1): frames so far, this one among them."""
    states = np.full(len(extended), -np.inf)
    states[:2] = log_share[0, extended[:2]]
    alpha = [states]
    for row in log_share[1:]:
        states = np.logaddexp.reduce([states, *_after(states, extended, blank)]) + row[extended]
        alpha.append(states)
    return np.array(alpha)


def log_space(p, labels, blank):
    """Loss and gradient of one sample, p (T, C), in logarithms."""
    p = np.asarray(p, np.float64)
    log_share = scipy.special.log_softmax(p, axis=1)
    extended = np.full(2 * len(labels) + 1, blank)
    extended[1::2] = labels
    alpha = _forward(log_share, extended, blank)
    beta = _forward(log_share[::-1], extended[::-1], blank)[::-1, ::-1]   # this frame among them too
    total = np.logaddexp.reduce(alpha[-1, -2:])
    if total == -np.inf:
        return np.inf, np.zeros_like(p)
    gradient = np.exp(log_share)
    post = np.exp(alpha + beta - log_share[:, extended] - total)
    for s, c in enumerate(extended):
        gradient[:, c] -= post[:, s]
    return -total, gradient
