"""The types in the signatures of the estimators, each under one name.

Used by linear_model.  The module holds types only; its imports are loaded with NumPy and SciPy anyway.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    from fastopt.batching import Batching
    from fastopt.penalties import Penalty

Array: TypeAlias = NDArray[Any]
DType: TypeAlias = "np.dtype[Any]"
SparseMatrix: TypeAlias = "scipy.sparse.csr_matrix | scipy.sparse.csc_matrix | scipy.sparse.csr_array | scipy.sparse.csc_array"


class DataFrame(Protocol):
    """A table with named columns, as those of pandas and polars."""

    @property
    def columns(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, int]: ...


# ---- what users pass ----

#: X, of shape (n_samples, n_features)
Features: TypeAlias = "ArrayLike | SparseMatrix | DataFrame"
#: y, of shape (n_samples,) or (n_samples, n_outputs)
TargetValues: TypeAlias = "ArrayLike"
#: one number a row, or one for all
SampleWeight: TypeAlias = "ArrayLike | None"
ClassWeight: TypeAlias = "Mapping[Any, float] | Literal['balanced'] | None"
RandomState: TypeAlias = "int | np.random.RandomState | None"
InitialValues: TypeAlias = "ArrayLike | None"
EvalSet: TypeAlias = "tuple[Features, TargetValues] | None"
EpochCallback: TypeAlias = "Callable[[OptimizeResult], Any] | None"
BatchSize: TypeAlias = "int | Batching | None"
StepSchedule: TypeAlias = "Callable[[int], float] | None"
Scoring: TypeAlias = "str | Callable[..., float] | None"
#: how many strengths, or which
StrengthGrid: TypeAlias = "int | ArrayLike | None"
Precompute: TypeAlias = "bool | Literal['auto'] | ArrayLike"
Dual: TypeAlias = "bool | Literal['auto']"


class Splitter(Protocol):
    """A cross-validation generator of scikit-learn."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterable[Any]: ...


#: a number of folds, a splitter, or the folds themselves
CrossValidation: TypeAlias = "int | Splitter | Iterable[tuple[ArrayLike, ArrayLike]] | None"

# ---- what estimators make of it ----

#: X once it is checked: an array, or a CSR or CSC matrix
Samples: TypeAlias = "Array | SparseMatrix"
#: weights of rows once they are checked; None: all weigh 1
RowWeights: TypeAlias = "Array | None"
#: (rows to learn from, rows to score), by their numbers
Fold: TypeAlias = "tuple[Array, Array]"
#: (l2 of the objective, penalty beside it)
PenaltyPair: TypeAlias = "tuple[float, Penalty | None]"
#: fitted attributes by name
Attributes: TypeAlias = "dict[str, Any]"
