"""How predictions move when data do: what mathematics says of each estimator, as tables; for test_equivariance.py.

A `Kind` says what an estimator minimises: how its penalty is weighed against the losses, which powers of the weights and of y it
has, whether its intercept is free.  A transformation makes another problem of a problem, sets the strengths of the penalty so that the minimum is
the same model, and says how predictions of the one become those of the other.
"""
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse

from fastopt import linear_model as ours


@dataclass(frozen=True)
class Kind:
    """What an estimator minimises at its defaults."""
    name: str
    target: str                       # "real", "counts", "positive", "two", "three"
    strength: str = "alpha"           # the parameter that weighs the penalty
    per: str = "sum"                  # the losses are summed, or their mean is taken: what the weights of samples mean to it
    power: int = 2                    # of the weights, in the penalty
    unit: int = 2                     # of y, in the loss: a loss of y·s is s**unit of the loss of y
    free: bool = True                 # the intercept is not penalised, so that no origin of X counts
    link: str = "identity"
    bar: float = 2e-3                 # of predictions, relative to their spread: what the default tolerance leaves
    params: dict[str, Any] = field(default_factory=dict)
    folds: bool = False               # the outcome depends on which rows stand together
    samples: bool = False             # learns sample by sample: the order counts, and how often one comes

    @property
    def id(self):
        return "-".join([self.name, *map(str, (self.params[name] for name in ("loss", "power") if name in self.params)), self.target])

    def model(self, **params):
        return getattr(ours, self.name)(**{**self.params, **params})

    @property
    def classifies(self):
        return self.target in ("two", "three")

    def weigh(self, model, factor):
        """The penalty counts `factor` times as much."""
        value = getattr(model, self.strength)
        return model.set_params(**{self.strength: value / factor if self.strength == "C" else value * factor})


CHOSEN = {"cv": 3, "alphas": 12}
SEED = {"random_state": 0, "max_iter": 20, "tol": None}   # a number of epochs that does not depend on rounding
KINDS = [
    Kind("LogisticRegression", "two", "C", bar=1e-2),
    Kind("LogisticRegression", "three", "C", bar=3e-2),
    Kind("LinearSVC", "two", "C", free=False, bar=5e-3),
    Kind("LinearSVC", "three", "C", free=False, bar=5e-3),
    Kind("LinearSVR", "real", "C", unit=1, free=False, bar=2e-2),
    Kind("Ridge", "real", bar=1e-4),
    Kind("Lasso", "real", per="mean", power=1, bar=2e-2),
    Kind("ElasticNet", "real", per="mean", power=0, bar=2e-2),
    Kind("HuberRegressor", "real", unit=1, bar=1e-2),
    Kind("QuantileRegressor", "real", per="mean", power=1, unit=1, bar=2e-2, params={"alpha": 0.01}),
    Kind("PoissonRegressor", "counts", per="mean", unit=1, link="log", bar=5e-3),
    Kind("GammaRegressor", "positive", per="mean", unit=0, link="log", bar=5e-3),
    Kind("TweedieRegressor", "real", per="mean", bar=2e-3),
    Kind("TweedieRegressor", "positive", per="mean", unit=0.5, link="log", bar=5e-3, params={"power": 1.5}),
    Kind("GeneralizedLinearEstimator", "real", "", "mean", power=0, bar=2e-3),
    Kind("GeneralizedLinearEstimator", "real", "", "mean", power=0, unit=-1, bar=2e-2, params={"loss": "huber"}),
    Kind("RidgeCV", "real", "", power=0, bar=1e-4),
    Kind("LassoCV", "real", "", per="mean", power=0, bar=2e-2, folds=True, params=CHOSEN),
    Kind("ElasticNetCV", "real", "", per="mean", power=0, bar=2e-2, folds=True, params=CHOSEN),
    Kind("LogisticRegressionCV", "two", "", power=0, bar=5e-3, folds=True, params={"cv": 3, "Cs": 4, "use_legacy_attributes": False}),
    *(Kind("SGDClassifier", target, "", samples=True, bar=1e-6, params={"loss": "log_loss", "learning_rate": "constant", "eta0": 1e-2, **SEED})
      for target in ("two", "three")),   # the default rate begins so large that rounding is amplified
    Kind("SGDRegressor", "real", "", samples=True, bar=1e-6, params={"eta0": 1e-3, **SEED}),
]


@dataclass(frozen=True)
class Problem:
    """What an estimator learns from, and rows to predict."""
    X: Any
    y: Any
    weight: Any
    test: Any
    model: Any


def problem(kind, seed, n, d):
    """Columns of like size, correlated; y of the estimator's kind; weights 1, 2, 3."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + 20, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)) / np.sqrt(d)) + rng.normal(size=d)
    raw = (X - X.mean(axis=0)) @ rng.normal(size=d) / np.sqrt(d) + rng.normal(size=n + 20) * 0.5
    targets = {"real": raw, "counts": rng.poisson(np.exp(np.clip(raw, -2, 2))).astype(float), "positive": np.exp(np.clip(raw, -2, 2)),
               "two": np.array(["no", "yes"])[(raw > np.median(raw)).astype(int)], "three": np.digitize(raw, np.quantile(raw, [0.3, 0.7]))}
    y = targets[kind.target][:n]
    return Problem(X[:n], y, rng.integers(1, 4, n).astype(float), X[n:], kind.model())


def choice(model):
    """Which of its strengths an estimator chose: two that are as good by a hair may change places."""
    if hasattr(model, "mse_path_"):
        return int(model.mse_path_.mean(axis=-1).argmin())
    return int(model.scores_.mean(axis=0).argmax()) if hasattr(model, "scores_") else 0


def predictions(kind, problem):
    """Margins of classes (k columns, in the order of the sorted labels), or the regression's predictions."""
    model = problem.model.fit(problem.X, problem.y, sample_weight=problem.weight)
    if not kind.classifies:
        return np.asarray(model.predict(problem.test), dtype=np.float64)
    scores = np.asarray(model.decision_function(problem.test), dtype=np.float64)
    return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


SPARSE = (scipy.sparse.csr_array, scipy.sparse.csc_array)

# ---- the transformations: (kind, problem, rng) → (problem, back) or None where there is no such law ----

def same(p):
    return p


def shift_columns(kind, problem, rng):
    """The origin of X does not count where the intercept is free."""
    if not kind.free or kind.samples:
        return None
    shift = rng.choice([-1, 1], problem.X.shape[1]) * 10.0 ** rng.uniform(0, 4, problem.X.shape[1])
    return replace(problem, X=problem.X + shift, test=problem.test + shift), same


def scale_columns(kind, problem, rng):
    """The unit of X does not count where the penalty is in the same unit."""
    if kind.samples or not kind.power and kind.name not in ("RidgeCV", "LassoCV", "GeneralizedLinearEstimator"):
        return None
    factor = 10.0 ** rng.uniform(-3, 3)
    model = kind.model()
    if kind.name == "RidgeCV":
        model.set_params(alphas=np.asarray(model.alphas) * factor ** 2)
    elif kind.strength:
        kind.weigh(model, factor ** kind.power)
    if not kind.free:
        model.set_params(intercept_scaling=factor)
    return replace(problem, X=problem.X * factor, test=problem.test * factor, model=model), same


def shift_targets(kind, problem, rng):
    """The origin of y does not count: the intercept takes it."""
    if kind.classifies or kind.samples or kind.link != "identity" or not kind.free:
        return None
    shift = rng.choice([-1, 1]) * 10.0 ** rng.uniform(0, 5)
    return replace(problem, y=problem.y + shift), lambda p: p - shift


def scale_targets(kind, problem, rng):
    """The unit of y does not count where the penalty is weighed accordingly."""
    if kind.classifies or kind.samples or kind.unit < 0 or kind.name in ("ElasticNet", "ElasticNetCV", "GammaRegressor"):
        return None
    factor = 10.0 ** rng.uniform(-3, 3) if kind.link == "identity" else 10.0 ** rng.uniform(0, 2)
    model = kind.model()
    if kind.strength:   # the losses grow by factor**unit, the penalty by factor**power of the weights, which grow like y
        kind.weigh(model, factor ** (kind.unit - (kind.power if kind.link == "identity" else 0)))
    return replace(problem, y=problem.y * factor, model=model), lambda p: p / factor


def permute_rows(kind, problem, rng):
    """The order of rows does not count."""
    if kind.samples or kind.folds:
        return None
    order = rng.permutation(len(problem.X))
    return replace(problem, X=problem.X[order], y=problem.y[order], weight=problem.weight[order]), same


def permute_columns(kind, problem, rng):
    """The order of columns does not count."""
    order = rng.permutation(problem.X.shape[1])
    return replace(problem, X=problem.X[:, order], test=problem.test[:, order]), same


def rename_classes(kind, problem, rng):
    """The names of classes do not count."""
    if not kind.classifies or kind.samples and kind.target == "two":
        return None
    labels, codes = np.unique(problem.y, return_inverse=True)
    order = rng.permutation(len(labels))
    return replace(problem, y=np.array([f"class {i}" for i in order])[codes]), lambda p: p[:, order]


def repeat_rows(kind, problem, rng):
    """A row of weight 2 is a row that stands there twice."""
    if kind.samples or kind.folds or kind.name == "RidgeCV":
        return None
    rows = np.repeat(np.arange(len(problem.X)), problem.weight.astype(int))
    return replace(problem, X=problem.X[rows], y=problem.y[rows], weight=None), same


def scale_weights(kind, problem, rng):
    """The unit of weights does not count where the penalty is weighed accordingly."""
    if kind.samples or kind.per == "sum" and not kind.strength:
        return None
    factor, model = 10.0 ** rng.uniform(-2, 2), kind.model()
    if kind.per == "sum":
        kind.weigh(model, factor)
    return replace(problem, weight=problem.weight * factor, model=model), same


def rows_of_no_weight(kind, problem, rng):
    """What stands in rows of weight 0 does not count."""
    if kind.samples or kind.folds or kind.name == "RidgeCV":
        return None
    n = len(problem.X)
    wild = rng.choice([-1e7, 1e7, 0.0, 3e5], size=(n // 3 + 1, problem.X.shape[1]))
    y = rng.choice(problem.y, size=len(wild))
    return replace(problem, X=np.concatenate([problem.X, wild]), y=np.concatenate([problem.y, y]),
                   weight=np.concatenate([problem.weight, np.zeros(len(wild))])), same


def layout(make):
    def transform(kind, problem, rng):
        if kind.samples and make in SPARSE:   # intercepts learn more slowly from sparse rows, as scikit-learn's do
            return None
        return replace(problem, X=make(problem.X), test=make(problem.test)), same
    transform.__doc__ = "X counts, not how it lies in memory."
    return transform


def strided(X):
    wide = np.full((2 * len(X), 3 * X.shape[1] + 1), np.nan)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def in_float32(kind, problem, rng):
    """Half the digits do for predictions."""
    return replace(problem, X=problem.X.astype(np.float32), test=problem.test.astype(np.float32)), same


TRANSFORMATIONS = {
    "shift columns": shift_columns, "scale X": scale_columns, "shift y": shift_targets, "scale y": scale_targets,
    "permute rows": permute_rows, "permute columns": permute_columns, "rename classes": rename_classes,
    "repeat rows": repeat_rows, "scale weights": scale_weights, "rows of weight 0": rows_of_no_weight,
    "CSR": layout(scipy.sparse.csr_array), "CSC": layout(scipy.sparse.csc_array), "Fortran order": layout(np.asfortranarray),
    "strided": layout(strided), "read-only": layout(read_only), "float32": in_float32,
}
LAWS = [(kind, name) for kind in KINDS for name in TRANSFORMATIONS
        if TRANSFORMATIONS[name](kind, problem(kind, 0, 24, 2), np.random.default_rng(0)) is not None]
