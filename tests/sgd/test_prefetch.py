"""How far ahead rows are asked for is found by timing: it changes no bit, whatever a fit finds known and whichever distance wins."""
import numpy as np
import pytest
import scipy.sparse as sp

from fastopt.linear_model import SGDClassifier


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix], ids=["dense", "CSR"])
@pytest.mark.parametrize("columns", [7, 60, 301])
def test_bits_do_not_depend_on_it(columns, layout):
    """X is larger than what stays in the cache: the first fit times its blocks, later ones go by what it has found."""
    rng = np.random.default_rng(columns)
    n = 1_300_000 // (8 * columns) + 3000
    X, y = layout(rng.standard_normal((n, columns))), rng.integers(0, 2, n)
    model = SGDClassifier(loss="log_loss", max_iter=4, tol=None, random_state=0)
    first = model.fit(X, y).coef_.copy()
    for _ in range(3):
        assert np.array_equal(model.fit(X, y).coef_, first)
    blocks = model.partial_fit(X, y).coef_.copy()
    one = SGDClassifier(loss="log_loss", max_iter=4, tol=None, random_state=0).fit(X, y)
    assert np.array_equal(one.partial_fit(X, y).coef_, blocks)
