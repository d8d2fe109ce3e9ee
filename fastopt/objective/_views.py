"""An objective seen otherwise: with another penalty, centred columns, other targets, or of some rows, on the same X.

Used by objective/__init__.py, as a base.  A view has numbers of its own for its passes, so that two threads can use two views of one
objective at once; what was found out about the samples is shared.  Knows nothing of passes.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.losses import Loss

from ._centre import far_means
from ._data import matrix_of, weights_of
from ._objective import Objective
from ._problem import Problem, Standardization, repeated

if TYPE_CHECKING:
    from typing import Self

Array = NDArray[Any]


class Known:
    """What was found out about the samples of an objective, whatever its penalty; its views share it.

    Attributes
    ----------
    centre : Standardization or None
        What centres the columns, where some lie far from 0.
    centred : Known or None
        Of the objective of centred columns; None: columns have not been looked at.
    parts : dict
        Objectives of a part of the rows, or None where there is none, by how they were drawn.
    in_rows : LinearObjective, or None
        The same with a copy of CSC X in CSR.
    """

    def __init__(self) -> None:
        self.centre: Standardization | None = None
        self.centred: Known | None = None
        self.parts: dict[tuple[int, int], Any] = {}
        self.in_rows: Any = None


class Views(Objective):
    """What LinearObjective makes of itself for solvers."""

    _centred: Self | bool | None   # False: itself

    def __init__(self, problem: Problem, l2: float, n_threads: int | None, known: Known | None = None) -> None:
        super().__init__(problem, l2, n_threads)
        self._known = Known() if known is None else known
        self._centred = None

    def _of(self, problem: Problem, known: Known | None = None) -> Self:
        """The objective of another problem, with the same penalty."""
        other = type(self).__new__(type(self))
        Views.__init__(other, problem, self.l2, self.n_threads, known)
        return other

    @property
    def parts(self) -> dict[tuple[int, int], Self | None]:
        """Objectives of a part of the rows, or None where there is none, by how solvers have drawn them: of so many rows one at least,
        so many rows for each parameter."""
        return self._known.parts

    def with_l2(self, l2: float) -> Self:
        """The same objective with another strength of the penalty: a view that stands where the objective does, and moves by itself.

        Neither X nor targets are copied.  Whoever needs another penalty for a while, or steps from point to point while others may
        use the objective, takes a view.

        Parameters
        ----------
        l2 : float, at least 0

        Returns
        -------
        LinearObjective
        """
        view = self._of(self.problem, self._known)
        view.l2 = l2
        view.stand_at(self)
        view._centred = self._centred.with_l2(l2) if isinstance(self._centred, Views) else self._centred
        return view

    def with_loss(self, loss: Loss, l2: float) -> Self:
        """The same samples with another loss for as many outputs and targets of the same kind, and another strength of the penalty: a view
        that shares what is known of the columns.

        Parameters
        ----------
        loss : Loss
        l2 : float, at least 0

        Returns
        -------
        LinearObjective
        """
        known = Known()
        if self._known.centred is not None:
            known.centre, known.centred = self._known.centre, Known()
        view = self._of(self.problem._replace(loss=loss), known)
        view.l2 = l2
        return view

    def centred(self) -> Self:
        """The same objective with centred columns, where some lie far from 0 beside their deviations.

        With an intercept c for each column changes nothing but the intercept, b + w·c; without means, sums keep their digits and
        gradients say how near the minimum is, whatever the origin of a column.  X is not copied: a few rows of it are looked at,
        and where that shows a column that is far, its means take a reading.

        Returns
        -------
        LinearObjective
            Itself where no column is far, without an intercept, and where columns are standardized.
        """
        if self._centred is None:
            centre = self._centre()
            self._centred = centre is not None and self._of(self.problem._replace(columns=centre), self._known.centred)
        if not isinstance(self._centred, Views):
            return self
        self._centred.l2 = self.l2
        return self._centred

    def _centre(self) -> Standardization | None:
        known, problem = self._known, self.problem
        if known.centred is None:
            free = problem.fit_intercept and problem.columns is None
            means = far_means(problem) if free else None
            known.centre = None if means is None else Standardization(means, np.ones_like(means))
            known.centred = Known()
        return known.centre

    def centred_copy(self) -> tuple[Self, Array | None]:
        """The objective of a centred copy of dense X, for solvers that read X themselves, and the means; itself and None otherwise."""
        given = self.centred()
        if given is self or given.columns is None or self.X.is_sparse:
            return self, None
        mean = given.columns.mean
        X = np.subtract(self.X.arrays, mean.astype(self.dtype), dtype=self.dtype)
        return self._of(self.problem._replace(X=matrix_of(X)[1])), mean.astype(self.dtype).astype(np.float64)

    def outputs(self, y: Array) -> Self:
        """The same objective with other targets, several for one.

        Parameters
        ----------
        y : ndarray of shape (n, k)
            As the loss takes them; copied if they are not aligned rows of the type of the computation.

        Returns
        -------
        LinearObjective
        """
        y, problem = np.require(y, self.dtype, ["C", "A"]), self.problem
        if y.shape == problem.y.shape:
            return self._of(problem._replace(y=y))
        return self._of(problem._replace(y=y, weight=repeated(problem.row_weight, y, problem.loss), n_outputs=y.shape[1]))

    def copies(self, weight: Array) -> Self:
        """The objective of several models of one output each, which share X and y and have weights of the samples of their own.

        Parameters
        ----------
        weight : ndarray of shape (n, k), of the type of the computation
            For each model; the sums of all are divided by the total of the objective's own.

        Returns
        -------
        LinearObjective
        """
        k = weight.shape[1]
        return self._of(self.problem._replace(y=np.repeat(self.y, k, axis=1), weight=np.ascontiguousarray(weight), n_outputs=k))

    def rows(self, rows: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The objective of some of the rows: the same X, which is not copied, their targets and weights.

        Only for a CSC matrix those rows are copied, to CSR.  What standardizes the columns stays the same.

        Parameters
        ----------
        rows : array_like of int, of shape (m,)
            Numbers of rows, in any order, also repeated.
        sample_weight : array_like of shape (m,), optional
            What their weights are multiplied by.

        Returns
        -------
        LinearObjective
        """
        chosen, problem = self._numbers(rows), self.problem
        y = problem.y[chosen]
        weight, total = weights_of(sample_weight, chosen.size, self.dtype)
        own = problem.row_weight
        if own is not None:
            weight = own[chosen] if weight is None else weight * own[chosen]
            total = float(weight.sum(dtype=np.float64))
            if total == 0:
                raise ValueError("rows must not all have weight 0")
        X = problem.X
        of_X: Array | None = chosen if problem.rows is None else problem.rows[chosen]
        if problem.transposed:
            X, of_X = matrix_of(problem.csc[chosen].tocsr())[1], None
        return self._of(problem._replace(X=X, y=y, weight=repeated(weight, y, problem.loss), total=total, transposed=False, rows=of_X, csc=None))

    def _numbers(self, rows: ArrayLike) -> Array:
        chosen = np.asarray(rows)
        if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
            raise ValueError(f"rows must be integers of shape (m,), m > 0, got {chosen.dtype}, shape {chosen.shape}")
        if not (chosen.min() >= 0 and chosen.max() < self.n_samples):
            raise ValueError(f"rows must lie in 0 … {self.n_samples - 1}, got {chosen.min()} … {chosen.max()}")
        return chosen.astype(np.int32)
