"""RidgeCV's predictions of each row from all others have the digits that the problem leaves, also where weights go through every row."""
import mpmath
import numpy as np
import pytest
import scipy.sparse as sp

from fastopt.linear_model import RidgeCV

SHAPES = {"rows fewer than columns": (8, 20), "as many": (9, 9), "a row more": (10, 9), "rows more than columns": (16, 4), "two rows": (2, 3)}
DATA = {"plain": lambda X: X, "from 1000 on": lambda X: X + 1000, "a row twice": lambda X: np.vstack([X[:1], X[:-1]]),
        "a column twice": lambda X: np.column_stack([X[:, 0], X[:, :-1]]), "a column of 7": lambda X: np.where(np.arange(X.shape[1]) == 1, 7.0, X),
        "sparse": sp.csr_array, "float32": lambda X: X.astype(np.float32)}
ALPHAS = [1e-9, 1e-5, 1.0, 1e6]


def left_out(X, y, weight, alpha, intercept):
    """The prediction of each row by a ridge regression of the others, with 60 digits: (K + alpha/weight)·c + b = y, Σ c = 0."""
    found, n = [], len(y)
    with mpmath.workdps(60):
        rows = [mpmath.matrix(row.tolist()) for row in np.asarray(X, dtype=float)]
        K = [[mpmath.fdot(a, b) for b in rows] for a in rows]
        for i in range(n):
            others = [j for j in range(n) if j != i]
            A = mpmath.matrix(n, n) if intercept else mpmath.matrix(n - 1, n - 1)
            b = mpmath.matrix([mpmath.mpf(y[j]) for j in others] + [mpmath.mpf(0)] * intercept)
            for p, j in enumerate(others):
                for q, k in enumerate(others):
                    A[p, q] = K[j][k]
                A[p, p] += mpmath.mpf(alpha) / mpmath.mpf(weight[j])
                if intercept:
                    A[p, n - 1] = A[n - 1, p] = 1
            c = mpmath.lu_solve(A, b)
            found.append(float(mpmath.fsum(c[p] * K[j][i] for p, j in enumerate(others)) + (c[n - 1] if intercept else 0)))
    return np.array(found)


def digits_lost(X, weight, alpha, intercept):
    """The condition of the rows' products plus alpha, off the intercept's direction."""
    rows = np.sqrt(weight)[:, None] * (X - weight @ X / weight.sum() if intercept else X)
    values = np.linalg.eigvalsh(rows @ rows.T)[intercept:]
    return (max(values[-1], (X ** 2).max()) + alpha) / (max(values[0], 0) + alpha)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.repeats(4)
def test_predictions_of_rows_left_out(shape, data, intercept, weighted):
    rng = np.random.default_rng(3)
    X = DATA[data](rng.normal(size=SHAPES[shape]))
    dense = X.toarray() if sp.issparse(X) else X.astype(float)
    y = rng.normal(size=len(dense)) + 5
    weight = (rng.random(len(y)) + 0.5 if weighted else np.ones(len(y))).astype(X.dtype).astype(float)   # X's type is that of weights
    model = RidgeCV(ALPHAS, fit_intercept=intercept, scoring="neg_mean_squared_error", store_cv_results=True)
    found = model.fit(X, y, weight if weighted else None).cv_results_
    for i, alpha in enumerate(ALPHAS):
        wanted = left_out(dense, y, weight, alpha, intercept)
        rounding = 100 * np.finfo(float).eps * digits_lost(dense, weight, alpha, intercept)
        assert np.abs(found[:, i] - wanted).max() <= rounding * max(np.abs(wanted).max(), np.abs(y).max()), alpha
