"""The base of the SGD classifier and regressor: fit with y, the rows held out by early stopping, and eval_set.

Used by those two.
"""
from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike

from fastopt._core.tables import Matrix
from fastopt._estimators.data import check_eval_set, naming
from fastopt._estimators.docs import arguments
from fastopt._estimators.sklearn import Events, with_callbacks
from fastopt._estimators.types import Array, EpochCallback, EvalSet, Features, InitialValues, RowWeights, SampleWeight, TargetValues
from fastopt._sgd.auto.state import budget
from fastopt._sgd.fit import Validation
from fastopt._sgd.settings import AUTO_BATCH_ROWS, Auto, Batches, Targets
from fastopt.linear_model._shared.params import is_wild, uses_batches

from .base import Call, SGDBase

if TYPE_CHECKING:
    from typing import Self

Penalty = Literal["l2", "l1", "elasticnet"]
LearningRate = Literal["constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"]


class Supervised(SGDBase):
    """Base of the estimators that learn y."""

    _intercept_init = "intercept_init"

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, coef_init: InitialValues = None, intercept_init: InitialValues = None,
            sample_weight: SampleWeight = None, *, eval_set: EvalSet = None, callback: EpochCallback = None) -> Self:
        """Learn from data, for up to `max_iter` epochs.

        [arguments]

        [self]

        [raises]
        DivergenceError
            If weights overflow; the estimator then holds those of the last finished epoch, if there is one.
        """
        self._check()
        events = Events(self, X, y, sample_weight, self.max_iter)
        self._learn(X, y, sample_weight, Call(events, True, self.max_iter, coef_init, intercept_init, eval_set, callback))
        return self

    _classifies: ClassVar[bool]

    def _averages_itself(self) -> bool:
        return bool(self.optimizer == "auto")

    def _budget(self, n: int) -> float:
        return budget(n) if self.optimizer == "auto" else np.inf

    def _batches(self) -> Batches | Auto | None:
        if not uses_batches(vars(self)):
            return None
        sizes = int(self.batch_size) if isinstance(self.batch_size, Integral) else self.batch_size
        if self.optimizer == "auto":
            return Auto(sizes or AUTO_BATCH_ROWS, self._classifies)
        return Batches(self.optimizer or "sgd", dict(self.optimizer_params or {}), sizes or 1, self.schedule,
                       None if self.clip_norm is None else float(self.clip_norm),
                       hogwild=is_wild(vars(self)))

    def _score_of(self, y: Array, weight: RowWeights) -> Callable[[Array], float]:
        raise NotImplementedError

    def _eval_targets(self, y: Array, targets: Targets, dtype: DTypeLike) -> Array:
        raise NotImplementedError

    def _split(self, splitter: str, y: Array, weight: RowWeights) -> Array:
        """The sorted numbers of the rows held out for early stopping."""
        from sklearn import model_selection  # slow to import, seldom needed

        cut = getattr(model_selection, splitter)(test_size=float(self.validation_fraction),
                                                 random_state=self.random_state)
        with naming("validation_fraction", "y"):
            train, rows = next(cut.split(y, y))
        if len(train) == 0 or len(rows) == 0:
            raise ValueError(f"validation_fraction={self.validation_fraction!r} of {len(y)} samples leaves "
                             f"{len(train)} to learn from and {len(rows)} to validate on")
        if weight is not None and not weight[rows].any():
            raise ValueError("The sample weights for validation set are all zero, consider using a different random "
                             "state.")
        if weight is not None and not weight[train].any():
            raise ValueError("The sample weights of all rows that are not held out are zero, consider using a different "
                             "random state.")
        return np.sort(rows).astype(np.int32)

    def _validation(self, X: Matrix, targets: Targets, weight: RowWeights, rows: Array | None, eval_set: EvalSet) -> Validation | None:
        if eval_set is not None:
            with naming("eval_set"):
                X_eval, y = check_eval_set(self, eval_set)
                score = self._score_of(self._eval_targets(y, targets, X_eval.dtype), None)
                return Validation(Matrix(X_eval), None, score, self._n_threads())
        if rows is None:
            return None
        score = self._score_of(targets.y[rows], None if weight is None else weight[rows])
        return Validation(X, rows, score, self._n_threads())
