"""Epochs over weights and values below the smallest number of full precision: loops take them for 0, as a processor takes a hundred times as
long with them, results are the oracle's to rounding, and the mode of the caller is what it was."""
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import SGDClassifier as SklearnSGDClassifier, SGDRegressor as SklearnSGDRegressor

from denormals import SMALL, denormals_count
from fastopt.exceptions import DivergenceError
from fastopt.linear_model import SGDClassifier, SGDRegressor


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix], ids=["dense", "csr"])
@pytest.mark.parametrize("params", [{}, {"penalty": "l1"}, {"average": True}, {"n_jobs": 2}], ids=str)
def test_weights_of_sgd_that_fade_out_are_scikit_learns(layout, params, dtype, many_threads):
    """To rounding; and the mode comes back, also from threads that share the outputs."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 30)).astype(dtype), rng.integers(0, 3, 80)
    X[:, 20:] = 0
    settings = {"loss": "log_loss", "max_iter": 3, "tol": None, "shuffle": False, "learning_rate": "constant", "eta0": 0.01, **params}
    coef = np.full((3, 30), SMALL[dtype], dtype)
    ours, theirs = (model(**settings).fit(layout(X), y, coef_init=coef) for model in (SGDClassifier, SklearnSGDClassifier))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-5 if dtype == np.float32 else 1e-9, atol=1e-6 if dtype == np.float32 else 1e-12)
    assert (np.abs(ours.coef_[:, 20:]) <= SMALL[dtype]).all() and denormals_count()
    few, wide = ([0, 5, 7], sp.csr_matrix((X[:, 0], np.zeros(80, int), np.arange(81)), shape=(80, 4000)))
    model = SGDClassifier(**{**settings, "max_iter": 1}).fit(wide, y, coef_init=np.full((3, 4000), SMALL[dtype]))
    assert (np.abs(model.coef_[:, few[1:]]) <= SMALL[dtype]).all() and denormals_count()


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("optimizer", ["sgd", "ftrl", "adam", "auto"])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix], ids=["dense", "csr"])
def test_epochs_leave_the_mode_of_the_caller(layout, optimizer, dtype):
    """Also where steps are put off, where a fit diverges, and where someone looks on between epochs, in the caller's mode."""
    X = np.zeros((64, 900), dtype)
    X[:, 0], X[:, 1] = np.linspace(-1, 1, 64), SMALL[dtype]
    seen = []
    params = {"optimizer": optimizer, "max_iter": 3, "tol": None, "batch_size": 2, "random_state": 0, "n_jobs": 2}
    model = SGDRegressor(**params).fit(layout(X), X[:, 0], coef_init=np.full(900, SMALL[dtype], dtype), callback=lambda result: seen.append(
        denormals_count()))
    assert seen == [True] * 3 and denormals_count() and model.coef_[0] and (np.abs(model.coef_[1:]) <= SMALL[dtype]).all()
    if optimizer == "sgd":
        with pytest.raises(DivergenceError):
            SGDRegressor(**params, schedule=lambda t: 1e300).fit(layout(X), X[:, 0])
        assert denormals_count()


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix], ids=["dense", "csr"])
@pytest.mark.parametrize("what", ["X", "y", "weights"])
def test_data_that_are_so_small_themselves_are_learnt_from(layout, what, dtype):
    """Values, targets or sample weights: as scikit-learn does in float64, whose loops know nothing of all this."""
    rng = np.random.default_rng(0)
    size = {name: SMALL[dtype] if name == what else 1.0 for name in ("X", "y", "weights")}
    X, y, weights = rng.normal(size=(60, 4)) * size["X"], rng.normal(size=60) * size["y"], rng.uniform(1, 2, 60) * size["weights"]
    X[:20] = 0   # among zeros, which say nothing
    settings = {"max_iter": 5, "tol": None, "random_state": 0, "eta0": 1.0 if what == "X" else 0.05, "penalty": None}
    ours = SGDRegressor(**settings).fit(layout(X.astype(dtype)), y.astype(dtype), sample_weight=weights)
    theirs = SklearnSGDRegressor(**settings).fit(layout(X), y, sample_weight=weights)
    assert ours.coef_.any()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=(1e-2 if dtype == np.float32 else 1e-9) * np.abs(theirs.coef_).max() + (
        1e-43 if dtype == np.float32 else 1e-320))
