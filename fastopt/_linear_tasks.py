"""What the tasks of the SGD estimators differ in: what y is, which random numbers are drawn when, how a prediction is scored.

Used by linear_model.  Random numbers are drawn in scikit-learn's order, so that the same random_state visits the samples in
the same order.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.multiclass import unique_labels

from fastopt._core import Matrix
from fastopt._linear_base import MAX_SEED, SGDBase
from fastopt._linear_data import check_eval_set, check_X, check_X_y, encode, find_classes, real_targets
from fastopt._linear_fit import Targets, Validation
from fastopt._linear_params import CLASSIFIER, ONE_CLASS, REGRESSOR
from fastopt._threads import resolve_threads
from fastopt.losses import Hinge, Loss


def accuracy(codes: Any, weight: Any) -> Callable[[Any], float]:
    """Share of right classes among raw predictions (n, k); in a binary problem class 0 is where they are positive."""
    def score(p: Any) -> float:
        predicted = p[:, 0] <= 0 if p.shape[1] == 1 else p.argmax(axis=1)
        return float(np.average(predicted == codes, weights=weight))
    return score


def r2(y: Any, weight: Any, loss: Loss) -> Callable[[Any], float]:
    """R² of raw predictions (n, k), the mean over outputs; −inf where predictions overflow."""
    y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    spread = np.average((y - np.average(y, axis=0, weights=weight)) ** 2, axis=0, weights=weight)

    def score(p: Any) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            mean = loss._predict(np.asarray(p, dtype=np.float64))
            error = np.average((y - mean) ** 2, axis=0, weights=weight)
            ratio = np.divide(error, spread, out=(error > 0).astype(float), where=spread > 0)
            found = float(np.mean(1 - ratio))
        return found if np.isfinite(found) else -np.inf
    return score


class Supervised(SGDBase):
    """Held-out rows and eval_set."""

    _intercept_init = "intercept_init"

    def _score_of(self, y: Any, weight: Any) -> Callable[[Any], float]:
        raise NotImplementedError

    def _eval_targets(self, y: Any, targets: Targets, dtype: Any) -> Any:
        raise NotImplementedError

    def _split(self, splitter: str, y: Any, weight: Any) -> Any:
        """The rows that early stopping holds out, sorted."""
        from sklearn import model_selection   # slow to import, seldom needed

        cut = getattr(model_selection, splitter)(test_size=self.validation_fraction, random_state=self.random_state)
        train, rows = next(cut.split(y, y))
        if len(train) == 0 or len(rows) == 0:
            raise ValueError(f"validation_fraction={self.validation_fraction!r} of {len(y)} samples leaves "
                             f"{len(train)} to learn from and {len(rows)} to validate on")
        if weight is not None and not weight[rows].any():
            raise ValueError("The sample weights for validation set are all zero, consider using a different random "
                             "state.")
        return np.sort(rows).astype(np.int32)

    def _validation(self, X: Matrix, targets: Targets, weight: Any, rows: Any, eval_set: Any) -> Validation | None:
        if eval_set is not None:
            X_eval, y = check_eval_set(self, eval_set)
            return Validation(Matrix(X_eval), None,
                              self._score_of(self._eval_targets(y, targets, X_eval.dtype), None), self._n_threads())
        if rows is None:
            return None
        score = self._score_of(targets.y[rows], None if weight is None else weight[rows])
        return Validation(X, rows, score, self._n_threads())


class Classification(Supervised):
    """Classes, one output each, or one output that is positive for the second of two."""

    _rules = CLASSIFIER
    _warm_standard = False
    classes_: Any

    def _n_threads(self) -> int:
        return 1 if self.n_jobs is None else resolve_threads(int(self.n_jobs), "n_jobs")

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        return check_X_y(self, X, y, reset)

    def _known_classes(self, classes: Any) -> Any:
        """The classes of partial_fit: those of the first call."""
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            return known
        classes = unique_labels(classes)
        if known is not None and not np.array_equal(known, classes):
            raise ValueError(f"classes={classes!r} is not the same as on last call to partial_fit, was: {known!r}")
        return classes

    def _class_weights(self, classes: Any, counts: Any) -> Any:
        """(k, 2) weights of each output's positive and negative rows."""
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str):
            weights = counts.sum() / (len(classes) * counts)
        else:
            weights = compute_class_weight(self.class_weight, classes=classes, y=classes)
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"class_weight must hold finite numbers of at least 0, got {self.class_weight!r}")
        if len(classes) == 2:
            return weights[::-1].reshape(1, 2)
        return np.stack([weights, np.ones_like(weights)], axis=1)

    def _targets(self, y: Any, X: Any, classes: Any, fresh: bool) -> Targets:
        classes = find_classes(y) if fresh else self._known_classes(classes)
        if len(classes) < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {len(classes)} class")
        codes, counts = encode(y, classes)
        return Targets(self._numbered(codes, classes), 1 if len(classes) == 2 else len(classes),
                       negative=0 if self._loss().target == "unit" else -1,
                       class_weight=self._class_weights(classes, counts), attributes={"classes_": classes})

    @staticmethod
    def _numbered(codes: Any, classes: Any) -> Any:
        """Outputs learn the rows that bear their number: of two classes the second is number 0."""
        return np.subtract(1, codes, out=codes) if len(classes) == 2 else codes

    def _draw(self, targets: Targets, weight: Any, n: int, splits: bool) -> tuple[int, Any]:
        if targets.k == 1:
            rng, rows = check_random_state(self.random_state), None
            rng.randint(1, MAX_SEED)
            if splits:
                rows = self._split("StratifiedShuffleSplit", 1 - targets.y, weight)
            return int(rng.randint(MAX_SEED)), rows
        rows = self._split("StratifiedShuffleSplit", targets.y, weight) if splits else None
        seeds = check_random_state(self.random_state).randint(MAX_SEED, size=targets.k)
        rng = check_random_state(seeds[0])   # all classes share one pass, in the order of the first
        rng.randint(1, MAX_SEED)
        return int(rng.randint(MAX_SEED)), rows

    def _score_of(self, y: Any, weight: Any) -> Callable[[Any], float]:
        return accuracy(y, weight)

    def _eval_targets(self, y: Any, targets: Targets, dtype: Any) -> Any:
        classes = targets.attributes["classes_"]
        return self._numbered(encode(y, classes, "y of eval_set")[0], classes)


class Regression(Supervised):
    """Real targets, one or several columns."""

    _rules = REGRESSOR
    _warm_standard = True

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        return check_X_y(self, X, y, reset, columns=True)

    def _targets(self, y: Any, X: Any, classes: Any, fresh: bool) -> Targets:
        y = real_targets(y, X.dtype, self._loss())
        return Targets(y, 1 if y.ndim == 1 else y.shape[1])

    def _draw(self, targets: Targets, weight: Any, n: int, splits: bool) -> tuple[int, Any]:
        rows = self._split("ShuffleSplit", targets.y, weight) if splits else None
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(MAX_SEED))
        rng.randint(1, MAX_SEED)
        return seed, rows

    def _score_of(self, y: Any, weight: Any) -> Callable[[Any], float]:
        return r2(y, weight, self._loss())

    def _eval_targets(self, y: Any, targets: Targets, dtype: Any) -> Any:
        y = real_targets(y, dtype, self._loss(), "y of eval_set")
        if (1 if y.ndim == 1 else y.shape[1]) != targets.k:
            raise ValueError(f"y of eval_set must have {targets.k} columns as y has, got shape {y.shape}")
        return y

    def _named(self, coef: Any, intercept: Any) -> dict[str, Any]:
        return {"coef_": coef[0] if len(coef) == 1 else coef, "intercept_": intercept}


class OneClass(SGDBase):
    """No targets: every row belongs to the one class, whose offset is 1 − the intercept."""

    _rules = ONE_CLASS
    _warm_standard = False
    _one_class = True
    _intercept_init = "offset_init"
    offset_: Any

    def _loss(self) -> Loss:
        return Hinge()

    def _alpha(self) -> float:
        return self.nu

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        return check_X(self, X, reset), y

    def _targets(self, y: Any, X: Any, classes: Any, fresh: bool) -> Targets:
        return Targets(np.zeros(X.shape[0], dtype=np.uint8), 1, negative=-1)

    def _draw(self, targets: Targets, weight: Any, n: int, splits: bool) -> tuple[int, Any]:
        if self.random_state is None:
            check_random_state(None).randint(1, MAX_SEED)   # scikit-learn draws one from NumPy's generator
        return int(check_random_state(self.random_state).randint(MAX_SEED)), None

    def _named(self, coef: Any, intercept: Any) -> dict[str, Any]:
        return {"coef_": coef[0], "offset_": 1 - intercept}

    def _intercepts(self) -> Any:
        return 1 - self.offset_

    def _prediction_intercepts(self) -> Any:
        return -self.offset_

    def _no_intercepts(self, k: int) -> Any:
        return np.ones(k)

    def _from_init(self, intercept_init: Any) -> Any:
        return 1 - intercept_init
