"""Small data sets of each task of a perceptron.  Used by the tests of tests/neural_network."""
import numpy as np
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.preprocessing import StandardScaler

N = 150


def _data(make, **options):
    X, y = make(N, random_state=0, **options)
    return StandardScaler().fit_transform(X), y / np.std(y) if y.dtype.kind == "f" else y


BINARY = _data(make_classification, n_features=8)
CLASSES = _data(make_classification, n_features=8, n_informative=5, n_classes=3)
LABELS = _data(make_multilabel_classification, n_features=6, n_classes=4)
NUMBERS = _data(make_regression, n_features=6)
COLUMNS = _data(make_regression, n_features=6, n_targets=3)
COUNTS = NUMBERS[0], np.floor(2 * np.abs(NUMBERS[1]))
WEIGHTS = np.random.default_rng(0).uniform(0.1, 2.0, N)
#: name: (estimator, X, y)
TASKS = {
    "two classes": ("MLPClassifier", *BINARY), "classes": ("MLPClassifier", *CLASSES), "labels": ("MLPClassifier", *LABELS),
    "numbers": ("MLPRegressor", *NUMBERS), "columns": ("MLPRegressor", *COLUMNS),
}
