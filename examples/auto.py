"""No tuning, no scaling: optimizer="auto" on columns of every unit, against the same estimators with their defaults and, once the
columns are scaled, tuned by a grid.  Then the same in a stream, 50 rows a call.

Needs scikit-learn.  Runs in some seconds:  python examples/auto.py
"""
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastopt.linear_model import SGDClassifier, SGDRegressor

warnings.simplefilter("ignore")   # of plain SGD on raw columns
GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "eta0": [1e-3, 1e-2, 1e-1]}


def timed(model, X, y, X_test, y_test):
    """The score on the test rows, in words if the fit diverged, and seconds."""
    start = time.perf_counter()
    try:
        score = model.fit(X, y).score(X_test, y_test)
    except ValueError:
        score = -np.inf
    return f"{score:8.3f}" if score > -1 else "diverges", time.perf_counter() - start


for name, load, cls in (("breast cancer, accuracy", load_breast_cancer, SGDClassifier), ("diabetes, R²", load_diabetes, SGDRegressor)):
    X, y = load(return_X_y=True)
    X = X * 10.0 ** (np.arange(X.shape[1]) % 7 - 3) + 100   # millimetres, kilometres, degrees Fahrenheit
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    tuned = GridSearchCV(cls(learning_rate="invscaling", random_state=0), GRID)
    print(f"{name}, {len(X)} rows x {X.shape[1]} columns")
    for words, model in (("defaults", cls(random_state=0)), ("scaled, best of a grid of 12", make_pipeline(StandardScaler(), tuned)),
                         ('optimizer="auto"', cls(optimizer="auto", random_state=0))):
        score, seconds = timed(model, X, y, X_test, y_test)
        print(f"  {words:30}{score}{seconds * 1e3:9.1f} ms")
    stream = cls(optimizer="auto", random_state=0)
    for start in range(0, len(X), 50):
        rows = slice(start, start + 50)
        stream.partial_fit(X[rows], y[rows], **({"classes": [0, 1]} if cls is SGDClassifier else {}))
    print(f"  {'the same, each row seen once':30}{stream.score(X_test, y_test):8.3f}\n")
