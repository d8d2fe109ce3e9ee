"""Losses of all classes of a row: digits by each of them in mini-batches, sparse shares, a label that does not count, and quantiles at once."""
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import fastopt as fo
from fastopt import losses, optimizers
from fastopt.linear_model import SGDClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(scale(X), y, random_state=0)
print("digits, mini-batches of 32 rows by Adam: accuracy on test data")
for loss in ("multinomial", "softmax_focal", "softmax_poly", "sparsemax", "crammer_singer", "weston_watkins"):
    model = SGDClassifier(loss, optimizer="adam", batch_size=32, eta0=0.01, max_iter=30, tol=None, random_state=0).fit(X, y)
    line = f"  {loss:15} {model.score(X_test, y_test):.3f}"
    if hasattr(model, "predict_proba"):
        share = model.predict_proba(X_test)
        line += f"   classes with a share: {np.count_nonzero(share > 0) / len(share):4.1f} of 10"
    print(line)

# a third of the labels is not known: the loss of these rows is 0, and they do not count in the mean
loss, known = losses.Multinomial(ignore_index=-100, class_weight="balanced"), np.where(np.arange(len(y)) % 3, y, -100)
W = np.zeros((X.shape[1], 10))
step = optimizers.Adam(W, lr=0.02)
for _ in range(200):
    step.step(X.T @ loss.gradient(known, X @ W))
print(f"softmax regression with a third of the labels unknown: {np.mean((X_test @ W).argmax(axis=1) == y_test):.3f}")

# nine quantiles of a target at once, which do not cross
X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)
levels = losses.QuantileLevels(0.1, 0.9, 9)
objective = fo.LinearObjective(X, y, levels, l2=1e-3, fit_intercept=True)
w = np.zeros(objective.n_params)
step = optimizers.Adam(w, lr=0.02)
for _ in range(1500):
    step.step(objective.value_and_gradient(w)[1])
quantiles = levels.predict(objective.predictions(w))
print("share of diabetes patients below each quantile:", (y[:, None] <= quantiles).mean(axis=0).round(2))
print("quantiles in order in every row:", bool((np.diff(quantiles, axis=1) >= 0).all()))
