"""A plugin of pytest: our classes and functions wherever scikit-learn's test modules would find its own.

Loaded with `-p` by test_scikit_learns_suites.py in a process of its own, before any test module is imported.  What scikit-learn has
and we have not stays as it is.  Results go to the file that IN_PLACE_RESULTS names, a JSON object {test: outcome}.  IN_PLACE_TOL is what
each fit's `tol` is multiplied by.
"""
import functools
import json
import os

import sklearn.linear_model
import sklearn.neural_network
import sklearn.svm
from sklearn.linear_model import _base, _glm, _logistic

from fastopt import linear_model, neural_network

for home, ours in ((sklearn.linear_model, linear_model), (sklearn.svm, linear_model), (sklearn.neural_network, neural_network)):
    for name in ours.__all__:
        if hasattr(home, name):
            setattr(home, name, getattr(ours, name))

# private names of scikit-learn's classes that its tests ask for, so that they can look at the rest
for ours, theirs, name in (("LogisticRegression", _base.LinearClassifierMixin, "_predict_proba_lr"),
                           ("LogisticRegressionCV", _logistic.LogisticRegressionCV, "_get_scorer"),
                           ("PoissonRegressor", _glm.PoissonRegressor, "_get_loss"),
                           ("GammaRegressor", _glm.GammaRegressor, "_get_loss"),
                           ("TweedieRegressor", _glm.TweedieRegressor, "_get_loss")):
    setattr(getattr(linear_model, ours), name, getattr(theirs, name))



def tightened(fit, factor):
    """`fit` with a smaller `tol`, which the caller does not see."""
    @functools.wraps(fit)
    def inner(self, *args, **options):
        tol = self.tol
        self.tol = tol and tol * factor
        try:
            return fit(self, *args, **options)
        finally:
            self.tol = tol
    return inner


if "IN_PLACE_TOL" in os.environ:
    for cls in (getattr(linear_model, name) for name in linear_model.__all__ if name[0].isupper()):
        if hasattr(cls(), "tol"):
            cls.fit = tightened(cls.fit, float(os.environ["IN_PLACE_TOL"]))

outcomes = {}


def pytest_runtest_logreport(report):
    name = report.nodeid.split("::", 1)[1]
    if report.outcome == "failed" or report.when == "call" and outcomes.get(name) != "failed":
        outcomes[name] = "failed" if report.outcome == "failed" else "xfailed" if hasattr(report, "wasxfail") else report.outcome


def pytest_sessionfinish():
    with open(os.environ["IN_PLACE_RESULTS"], "w") as file:
        json.dump(outcomes, file)
