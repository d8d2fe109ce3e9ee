"""Triplets and ArcFace learn linear maps of handwritten digits to a few numbers in which neighbours are of the same digit: as many numbers by PCA,
and raw pixels, beside them.

The labels of half of the images train the maps; an image of the other half is then read as the digit of its nearest neighbour in the first.
Needs scikit-learn.  Runs in some seconds:  python examples/metric_digits.py
"""
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import fastopt as fo

DIMENSIONS, EPOCHS, ROWS = 6, 40, 128
X, y = load_digits(return_X_y=True)
X, held, y, wanted = train_test_split(X / 16, y, test_size=0.5, random_state=0, stratify=y)
mean = X.mean(axis=0)
X, held = X - mean, held - mean


def neighbours(train, test):
    """The share of held-out images whose nearest neighbour is of the same digit."""
    return KNeighborsClassifier(1).fit(train, y).score(test, wanted)


def learn(step, *params):
    """Adam over random batches; `step` gives the gradients in the parameters."""
    rng, adam = np.random.default_rng(0), fo.optimizers.Adam(list(params), lr=0.01)
    for _ in range(EPOCHS):
        for rows in np.array_split(rng.permutation(len(y)), len(y) // ROWS):
            adam.step(step(X[rows], y[rows]))


pca = PCA(DIMENSIONS).fit(X)
print(f"{'64 pixels':32} {neighbours(X, held):.3f}")
print(f"{f'{DIMENSIONS} principal components':32} {neighbours(pca.transform(X), pca.transform(held)):.3f}")

for mining in ("batch_hard", "semi_hard", "batch_all"):
    W, triplet = pca.components_.T.copy(), fo.losses.Triplet(margin=1.0, mining=mining)
    learn(lambda X, y, W=W, triplet=triplet: [X.T @ triplet.gradient(y, X @ W)], W)
    print(f"{f'{DIMENSIONS} by Triplet, {mining}':32} {neighbours(X @ W, held @ W):.3f}")

W, centres = pca.components_.T.copy(), np.random.default_rng(0).normal(size=(10, DIMENSIONS))
arcface = fo.losses.ArcFace(s=16.0, m=0.3)


def arc_step(X, y):
    in_rows, in_centres = arcface.gradient(y, X @ W, centres)
    return [X.T @ in_rows, in_centres]


learn(arc_step, W, centres)
unit, unit_held = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X @ W, held @ W))
print(f"{f'{DIMENSIONS} by ArcFace':32} {neighbours(unit, unit_held):.3f}")
