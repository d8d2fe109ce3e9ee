"""One digit among all others, three in a hundred: focal loss and log loss by average precision.

The focal loss counts what is told apart easily, here most of the other digits, less.  Both learn the same linear model by Adam.  The
averages are over six splits.
Needs scikit-learn.  Runs in a few seconds:  python examples/focal_on_imbalanced.py
"""
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split

from fastopt import losses
from fastopt.linear_model import SGDClassifier

X, digits = load_digits(return_X_y=True)
X = X / 16


def precision(digit, loss, seed):
    """Average precision on the held-out half, of a data set in which one of three images of the digit is left."""
    kept = (digits != digit) | (np.random.default_rng(seed).random(len(digits)) < 0.3)
    rows, held, y, wanted = train_test_split(X[kept], digits[kept] == digit, test_size=0.5, random_state=seed, stratify=digits[kept] == digit)
    model = SGDClassifier(loss, alpha=1e-4, optimizer="adam", batch_size=32, learning_rate="constant", eta0=0.01, max_iter=60, tol=None,
                          random_state=0)
    return average_precision_score(wanted, model.fit(rows, y).decision_function(held))


LOSSES = {"log loss": losses.LogLoss(), "focal": losses.Focal(gamma=2.0)}
found = {name: np.array([[precision(digit, loss, seed) for seed in range(6)] for digit in range(10)]).mean(axis=1) for name, loss in LOSSES.items()}
print(f"{'digit':<8}" + "".join(f"{name:>10}" for name in LOSSES))
for digit in range(10):
    print(f"{digit:<8}" + "".join(f"{found[name][digit]:>10.3f}" for name in LOSSES))
print(f"{'mean':<8}" + "".join(f"{found[name].mean():>10.3f}" for name in LOSSES))
