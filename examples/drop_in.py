"""Replace one import: the same fit with scikit-learn's SGDClassifier and with fastopt's, timed.

Needs scikit-learn.  Runs in some seconds:  python examples/drop_in.py
"""
import time

import numpy as np
from sklearn import linear_model as theirs
from sklearn.datasets import make_classification

from fastopt import linear_model as ours

X, y = make_classification(40_000, 200, n_informative=30, random_state=0)
settings = dict(loss="log_loss", alpha=1e-4, learning_rate="invscaling", eta0=0.01, max_iter=10, tol=None, random_state=0)

print(f"{X.shape[0]:,} rows x {X.shape[1]} columns, 10 epochs of log_loss + l2, one thread\n")
for dtype in (np.float64, np.float32):
    Xt = X.astype(dtype)
    times, models = [], []
    for library in (theirs, ours):
        model = library.SGDClassifier(**settings)
        start = time.perf_counter()
        model.fit(Xt, y)
        times.append(time.perf_counter() - start)
        models.append(model)
    difference = np.abs(models[0].coef_ - models[1].coef_).max() / np.abs(models[0].coef_).max()
    print(f"{np.dtype(dtype)}: scikit-learn {times[0] * 100:6.1f} ms an epoch, fastopt {times[1] * 100:6.1f} ms: "
          f"{times[0] / times[1]:.1f} times as fast; coefficients differ by {difference:.0e} (relative)")
