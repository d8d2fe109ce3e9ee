"""Two linear towers learn to match the left and the right halves of digits, by InfoNCE and Adam.

A tower maps half an image to 16 numbers; what belongs together is to be alike.  At the end each of 300 left halves that were not trained on
is to find its right half among those of all 300; a guess is right once in 300.
Needs scikit-learn.  Runs in a few seconds:  python examples/contrastive_digits.py
"""
import numpy as np
from sklearn.datasets import load_digits

import fastopt as fo

images = load_digits().images / 16
rng = np.random.default_rng(0)
order = rng.permutation(len(images))
left, right = (half.reshape(len(images), 32)[order] - half.mean() for half in (images[:, :, :4], images[:, :, 4:]))
train, test = slice(0, -300), slice(-300, None)

towers = [0.1 * rng.standard_normal((32, 16)) for _ in range(2)]
temperature = np.array([0.2])
loss = fo.losses.InfoNCE()
adam = fo.optimizers.Adam([*towers, temperature], lr=0.01)


def found():
    """The share of left halves that find their right half."""
    a, b = (half[test] @ tower for half, tower in zip((left, right), towers))
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    return np.mean(np.argmax(a @ b.T, axis=1) == np.arange(len(a)))


print(f"before training {found():.3f} of 300 left halves find their right half")
for epoch in range(40):
    rows = rng.permutation(len(left[train]))
    for start in range(0, len(rows) - 127, 128):
        batch = rows[start:start + 128]
        a, b = left[batch] @ towers[0], right[batch] @ towers[1]
        value, (in_a, in_b, in_temperature) = loss.value_and_gradient(a, b, temperature=float(temperature[0]))
        adam.step([left[batch].T @ in_a, right[batch].T @ in_b, np.array([in_temperature])])
        temperature[0] = max(temperature[0], 0.01)
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1:>2}: loss {value:.3f}, temperature {temperature[0]:.3f}, {found():.3f} find it")
