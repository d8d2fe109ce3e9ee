"""Piecewise linear encoding: edges by NumPy's quantiles, columns by a loop over bins, and what scikit-learn asks of a transformer."""
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastopt.preprocessing import PiecewiseLinearEncoder

STRATEGIES = ("quantile", "distinct", "uniform", "both")


def encoded(x, edges):
    """One number, bin by bin."""
    last = len(edges) - 2
    row = []
    for t in range(last + 1):
        share = (x - edges[t]) / (edges[t + 1] - edges[t])
        share = share if t == 0 else max(0.0, share)
        row.append(share if t == last else min(1.0, share))
    return row


MARK = parametrize_with_checks([PiecewiseLinearEncoder(), PiecewiseLinearEncoder(n_bins=3, strategy="both")])


# all but one, which asks for another environment
@pytest.mark.parametrize("estimator, check", [case for case in MARK.args[1] if "check_array_api_input" not in str(case)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_against_a_loop_over_bins(strategy, dtype):
    rng = np.random.default_rng(0)
    X = np.stack([rng.standard_normal(300), rng.integers(0, 5, 300), rng.exponential(size=300) ** 3, rng.random(300) > 0.9], 1).astype(dtype)
    encoder = PiecewiseLinearEncoder(8, strategy).fit(X)
    seen, beyond = encoder.transform(X), np.concatenate([X.min(0, keepdims=True) - 3, X.max(0, keepdims=True) + 2])
    assert seen.dtype == dtype and seen.shape == (300, encoder.n_bins_.sum())
    for given in X, beyond:
        wanted = [sum((encoded(float(x), edges) for x, edges in zip(row, encoder.bin_edges_)), []) for row in given]
        np.testing.assert_allclose(encoder.transform(given), wanted, rtol=1e-12 if dtype == np.float64 else 1e-6, atol=1e-7)
    np.testing.assert_allclose(encoder.inverse_transform(seen), X, rtol=1e-6, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_edges():
    x = np.array([0.0, 0, 0, 0, 1, 2, 3, 50])
    edges = {strategy: PiecewiseLinearEncoder(4, strategy).fit(x[:, None]).bin_edges_[0] for strategy in STRATEGIES}
    np.testing.assert_array_equal(edges["quantile"], np.unique(np.quantile(x, [0, .25, .5, .75, 1])))
    np.testing.assert_array_equal(edges["distinct"], np.quantile([0, 1, 2, 3, 50], [0, .25, .5, .75, 1]))
    np.testing.assert_array_equal(edges["uniform"], [0, 12.5, 25, 37.5, 50])
    np.testing.assert_array_equal(edges["both"], np.union1d(edges["quantile"], edges["distinct"]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_columns_of_one_and_of_two_values(strategy):
    X = np.array([[7.0, 0, 1e9], [7, 1, 1e9 + 1], [7, 0, 1e9], [7, 1, 1e9]])
    encoder = PiecewiseLinearEncoder(16, strategy).fit(X)
    assert list(encoder.n_bins_) == [1, 1, 1]
    np.testing.assert_array_equal(encoder.transform(X), X - [7, 0, 1e9])


@pytest.mark.parametrize("x", [[-1.7e308, 0.0, 1.7e308], [5e-324, 0.0, 1e-300], [1.6e9, 1.6e9 + 1, 1.7e9], [1e300, 1e300]])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_extremes_give_finite_columns(x, strategy):
    X = np.array(x)[:, None]
    found = PiecewiseLinearEncoder(4, strategy).fit_transform(X)
    assert np.isfinite(found).all() and (found >= 0).all() and (found <= 1).all()
    assert (np.diff(found[np.argsort(x, kind="stable")], axis=0) >= 0).all()


def test_one_row_and_many_rows_of_many_bins():
    assert PiecewiseLinearEncoder().fit([[3.0]]).transform([[3.0], [4.0]]).tolist() == [[0.0], [1.0]]
    x = np.random.default_rng(0).standard_normal((5000, 1))
    encoder = PiecewiseLinearEncoder(200).fit(x)
    np.testing.assert_array_equal(encoder.transform(x), np.concatenate([encoder.transform(part) for part in np.array_split(x, 7)]))


def test_names_and_frames():
    frame = pd.DataFrame({"age": [20.0, 30, 60, 90], "old": [0, 0, 1, 1]})
    encoder = PiecewiseLinearEncoder(2).set_output(transform="pandas").fit(frame)
    assert list(encoder.transform(frame).columns) == ["age_0", "age_1", "old_0"]
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(frame.rename(columns={"old": "new"}))


@pytest.mark.parametrize("parameters, message", [
    ({"n_bins": 0}, "n_bins of PiecewiseLinearEncoder must be an integer at least 1, got 0"),
    ({"strategy": "quantiles"}, "strategy of PiecewiseLinearEncoder must be .*did you mean 'quantile'"),
])
def test_parameters_are_refused_by_name(parameters, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEncoder(**parameters).fit([[1.0]])


@pytest.mark.parametrize("X, error", [([[1.0], [np.nan]], ValueError), ([["a"]], ValueError), (np.array([["2020-01-01"]], "M8[D]"), TypeError)])
def test_what_is_no_number_is_refused_and_changes_nothing(X, error):
    encoder = PiecewiseLinearEncoder().fit([[0.0], [1.0]])
    before = clone(encoder).fit([[0.0], [1.0]]).bin_edges_
    with pytest.raises(error, match="X"):
        encoder.fit(X)
    np.testing.assert_array_equal(encoder.bin_edges_, before)
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 1\), a column for each bin"):
        encoder.inverse_transform([[1.0, 2.0]])
