"""A linear model of random features reads strings of handwritten digits, though nobody says where in the image each digit is: CTC.

Images of digits are put side by side with gaps of any width.  A frame is a window of eight columns, two columns further each time, seen through 300
random features.  The model scores ten digits and the blank for each frame, and is told the string alone.
Needs scikit-learn.  Runs in some seconds:  python examples/read_digit_strings.py
"""
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastopt as fo

LENGTH, WIDTH = 4, 64
images, numbers = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8) / 16
parts = train_test_split(images, numbers, test_size=0.3, random_state=0)
rng = np.random.default_rng(0)
features = rng.normal(0, 0.5, (64, 300))


def strings(images, numbers, n):
    """Frames (T, n, 64) of n strings of digits, and their digits (n, LENGTH)."""
    chosen = rng.integers(len(images), size=(n, LENGTH))
    pages = np.zeros((n, 8, WIDTH))
    for page, row in zip(pages, chosen):
        gaps = np.diff(np.sort(rng.integers(0, WIDTH - 8 * LENGTH + 1, LENGTH)), prepend=0)
        at = 0
        for i, gap in zip(row, gaps):
            page[:, at + gap:at + gap + 8] = images[i]
            at += gap + 8
    frames = np.stack([pages[:, :, t:t + 8].reshape(n, 64) for t in range(0, WIDTH - 7, 2)])
    return np.tanh(frames @ features), numbers[chosen] + 1   # 0 is the blank


train, held = strings(parts[0], parts[2], 3000), strings(parts[1], parts[3], 500)
W, b = np.zeros((300, 11)), np.zeros(11)
adam, ctc = fo.optimizers.Adam([W, b], lr=0.01), fo.losses.CTC()


def read():
    """The share of held-out strings that are read without a mistake."""
    found = ctc.decode(held[0] @ W + b)
    return np.mean([len(f) == LENGTH and (f == y).all() for f, y in zip(found, held[1])])


for epoch in range(30):
    order = rng.permutation(3000)
    for start in range(0, 3000, 50):
        rows = order[start:start + 50]
        X, y = train[0][:, rows], train[1][rows]
        value, in_scores = ctc.value_and_gradient(y, X @ W + b)
        adam.step([np.tensordot(X, in_scores, axes=([0, 1], [0, 1])), in_scores.sum(axis=(0, 1))])
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1:>2}: loss {value:.3f}, {read():.3f} of the strings read without a mistake")
print("for example:", "".join(str(c - 1) for c in held[1][0]), "read as", "".join(str(c - 1) for c in ctc.decode(held[0][:, :1] @ W + b)[0]))
