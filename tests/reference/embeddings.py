"""Losses of embeddings with labels, of pairs and of triplets, one by one: the oracle of the kernels.  Never imports fastopt."""
import numpy as np
from scipy.special import logsumexp


def unit(x):
    size = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(size > 0, size, 1)


def apart_of(kind, a, b):
    if kind == "cosine":
        return 1 - unit(a) @ unit(b)
    return ((a - b) ** 2).sum() if kind == "squared" else np.sqrt(((a - b) ** 2).sum())


def triplets_of(y, i, mining, far_apart):
    """[(near, far)] of anchor i, by its distances from all rows."""
    near = [j for j in range(len(y)) if j != i and y[j] == y[i]]
    far = [j for j in range(len(y)) if y[j] != y[i]]
    if not near or not far:
        return []
    if mining == "batch_hard":
        return [(max(near, key=lambda j: far_apart[j]), min(far, key=lambda j: far_apart[j]))]
    if mining == "batch_all":
        return [(p, q) for p in near for q in far]
    found = []
    for p in near:
        farther = [q for q in far if far_apart[q] > far_apart[p]]
        found.append((p, min(farther, key=lambda j: far_apart[j]) if farther else max(far, key=lambda j: far_apart[j])))
    return found


def triplet(y, p, weight, margin=1.0, distance="euclidean", mining="batch_hard"):
    """(losses of anchors, weighted; the sum of the weights of triplets)."""
    losses, total = np.zeros(len(y)), 0.0
    squares = ((p[:, None] - p) ** 2).sum(axis=2)
    apart = 1 - unit(p) @ unit(p).T if distance == "cosine" else squares if distance == "squared" else np.sqrt(squares)
    for i in range(len(y)):
        chosen = triplets_of(y, i, mining, apart[i])
        losses[i] = weight[i] * sum(max(0.0, margin + apart[i, near] - apart[i, far]) for near, far in chosen)
        total += weight[i] * len(chosen)
    return losses, total


def circle(y, p, weight, m=0.25, gamma=256.0, at=None):
    """The same; weights of similarities are those at other embeddings, where these are given."""
    losses, total, cosines = np.zeros(len(y)), 0.0, unit(p) @ unit(p).T
    held = cosines if at is None else unit(at) @ unit(at).T
    for i in range(len(y)):
        near = [j for j in range(len(y)) if j != i and y[j] == y[i]]
        far = [j for j in range(len(y)) if y[j] != y[i]]
        if near and far:
            s_near, s_far, a_near, a_far = cosines[i, near], cosines[i, far], 1 + m - held[i, near], held[i, far] + m
            z = logsumexp(gamma * np.maximum(a_far, 0) * (s_far - m)) + logsumexp(-gamma * np.maximum(a_near, 0) * (s_near - 1 + m))
            losses[i] = weight[i] * np.logaddexp(0, z)
            total += weight[i]
    return losses, total


def arcface(y, p, w, s=64.0, m=0.5):
    scores = s * unit(p) @ unit(w).T
    losses = []
    for row, label in zip(scores, y):
        angle = np.arccos(np.clip(row[label] / s, -1, 1))
        row = row.copy()
        row[label] = s * np.cos(angle + m) if angle + m <= np.pi else row[label] - s * m * np.sin(m)
        losses.append(logsumexp(row) - row[label])
    return np.array(losses)


def contrastive_pair(y, a, b, margin=1.0):
    apart = np.array([apart_of("euclidean", *pair) for pair in zip(a, b)])
    return np.where(y == 1, apart ** 2, np.maximum(margin - apart, 0) ** 2) / 2


def cosine_embedding(y, a, b, margin=0.0):
    cosines = np.array([1 - apart_of("cosine", *pair) for pair in zip(a, b)])
    return np.where(y == 1, 1 - cosines, np.maximum(cosines - margin, 0))


def explicit(anchor, near, far, margin=1.0, distance="euclidean"):
    return np.array([max(0.0, margin + apart_of(distance, a, n) - apart_of(distance, a, f)) for a, n, f in zip(anchor, near, far)])
