"""A linear model says the next character of a text by the last ones: sequences of any length, padded, and their perplexity.

The text is what scikit-learn says of its own data sets, lines of any length; a row of X holds the last few characters, one-hot.  Perplexity is how
many characters, all as probable, the next one is as hard to guess as: that of the frequencies of characters alone is to be beaten.
Needs scikit-learn.  Runs in some seconds:  python examples/next_character.py
"""
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine

import fastopt as fo

text = "\n".join(load().DESCR for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine)).lower()
lines = [line.strip() + "\n" for line in text.split("\n") if len(line.strip()) >= 20]
characters = sorted(set("".join(lines)))
number = {c: i for i, c in enumerate(characters)}
C = len(characters)


def padded(lines):
    """Labels (N, T), 0 behind the end, and lengths (N,)."""
    lengths = np.array([len(line) for line in lines])
    y = np.zeros((len(lines), lengths.max()), np.int64)
    for row, line in zip(y, lines):
        row[:len(line)] = [number[c] for c in line]
    return y, lengths


def seen(y, window):
    """(N, T, window·C + 1): the characters before each, one-hot, none before the first; and a one."""
    X = np.zeros((*y.shape, window * C + 1), np.float32)
    X[:, :, -1] = 1
    for back in range(1, window + 1):
        X[:, back:, (back - 1) * C:back * C] = np.eye(C, dtype=np.float32)[y[:, :-back]]
    return X


rng = np.random.default_rng(0)
order = rng.permutation(len(lines))
cut = len(lines) // 5
held, train = (padded([lines[i] for i in rows]) for rows in (order[:cut], order[cut:]))
loss = fo.losses.SequenceCrossEntropy(label_smoothing=0.01)
print(f"{len(lines)} lines, {len(text)} characters, {C} of them different")

for window in (0, 1, 2, 4):
    X, X_held, W = seen(train[0], window), seen(held[0], window), np.zeros((window * C + 1, C), np.float32)
    adam = fo.optimizers.Adam([W], lr=0.03)
    for _ in range(12):
        shuffled = rng.permutation(len(X))
        for start in range(0, len(X), 16):
            rows = shuffled[start:start + 16]
            gradient = loss.gradient(train[0][rows], X[rows] @ W, lengths=train[1][rows])
            adam.step([X[rows].reshape(-1, X.shape[2]).T @ gradient.reshape(-1, C)])
    found = fo.losses.perplexity(held[0], X_held @ W, lengths=held[1])
    print(f"by the last {window} characters: perplexity {found:.2f} of lines that were not learnt from")
