"""What the SGD estimators do between epochs: eval_set and held-out rows, early stopping, best weights, curves, a callback."""
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

import fastopt as fo
from fastopt.linear_model import SGDClassifier, SGDRegressor
from sgd_cases import ESTIMATORS, N, problem, target

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("cls", [SGDClassifier, SGDRegressor])
@pytest.mark.parametrize("average", [False, True, 700])
def test_eval_set_is_scored_as_the_user_would(cls, average):
    X, score = problem()
    y, X_val, y_val = target(cls, score), *(lambda X, s: (X, target(cls, s)))(*problem(1))
    seen = []
    model = cls(random_state=0, average=average, max_iter=12, alpha=0.01)
    model.fit(X, y, eval_set=(X_val, y_val), callback=seen.append)
    assert len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_ == len(seen)
    assert model.validation_curve_[-1] == pytest.approx(model.score(X_val, y_val))
    assert [r.nit for r in seen] == list(range(1, model.n_iter_ + 1))
    assert [r.fun for r in seen] == model.loss_curve_ and [r.validation_score for r in seen] == model.validation_curve_
    assert all(a.seconds <= b.seconds for a, b in zip(seen, seen[1:])) and seen[0].seconds >= 0
    shorter = clone(model).set_params(max_iter=5).fit(X, y)
    assert shorter.score(X_val, y_val) == pytest.approx(model.validation_curve_[4])
    assert "validation_curve_" not in vars(shorter)


@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("cls", [SGDClassifier, SGDRegressor])
def test_early_stopping_on_eval_set(cls, layout):
    X, score = problem()
    y = target(cls, score)
    X_val, s_val = problem(1)
    params = {"random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "tol": 1e-3, "max_iter": 500, "alpha": 0.01}
    model = cls(**params).fit(layout(X), y, eval_set=(layout(X_val), target(cls, s_val)))
    curve = np.array(model.validation_curve_)
    assert model.n_iter_ == len(curve) < 500
    idle = curve[1:] < np.maximum.accumulate(curve)[:-1] + 1e-3
    assert idle[-3:].all() and not any(idle[i:i + 3].all() for i in range(len(idle) - 3))
    held = cls(**params).fit(layout(X), y)   # a part of the data
    assert len(held.validation_curve_) == held.n_iter_ < 500
    best = clone(model).set_params(restore_best=True).fit(layout(X), y, eval_set=(layout(X_val), target(cls, s_val)))
    assert best.best_iter_ == 1 + int(curve.argmax())
    assert best.score(layout(X_val), target(cls, s_val)) == pytest.approx(curve.max())
    assert best.n_iter_ == model.n_iter_


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_held_out_accuracy_is_true(loss):
    """The score of the last epoch is the estimator's own on the rows that scikit-learn's splitter holds out."""
    from sklearn.model_selection import StratifiedShuffleSplit
    X, score = problem()
    for y in (score > 0, np.digitize(score, [-0.7, 0.7])):
        model = SGDClassifier(loss=loss, early_stopping=True, random_state=5, max_iter=30, validation_fraction=0.2).fit(X, y)
        _, rows = next(StratifiedShuffleSplit(test_size=0.2, random_state=5).split(X, y))
        assert model.validation_curve_[-1] == pytest.approx(model.score(X[rows], y[rows]))


def test_restore_best_without_validation_goes_by_the_loss():
    X, score = problem()
    model = SGDRegressor(restore_best=True, learning_rate="constant", eta0=0.05, max_iter=20, tol=None, random_state=0)
    model.fit(X, score)
    assert model.best_iter_ == 1 + int(np.argmin(model.loss_curve_))


def test_scores_that_overflow_do_not_hide_anything():
    X, score = problem()
    model = SGDRegressor(loss="poisson", max_iter=3, tol=None)
    model.fit(X, np.exp(score), eval_set=(X * 1e300, np.exp(score)))
    assert model.validation_curve_ == [-np.inf] * 3


def test_loss_curve_is_the_mean_loss():
    X, score = problem()
    model = SGDRegressor(loss="huber", learning_rate="constant", eta0=1e-12, tol=None, max_iter=2, penalty=None).fit(X, score)
    assert model.loss_curve_ == pytest.approx([fo.losses.Huber(delta=0.1).value(score, np.zeros(N))] * 2)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_stop_iteration_keeps_the_weights_so_far(cls):
    X, score = problem()

    def callback(result):
        if result.nit == 3:
            raise StopIteration

    model = cls(random_state=0, tol=None).fit(X, target(cls, score), callback=callback)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.coef_, cls(random_state=0, tol=None, max_iter=3).fit(X, target(cls, score)).coef_)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_error_in_a_callback_changes_nothing(cls):
    X, score = problem()
    y = target(cls, score)

    def callback(result):
        raise OSError("no space left")

    model = cls()
    with pytest.raises(OSError, match="no space"):
        model.fit(X, y, callback=callback)
    assert vars(model) == vars(cls())
    model.fit(X, y)
    before = dict(vars(model))
    with pytest.raises(OSError, match="no space"):
        model.fit(X[:, :3], y, callback=callback)
    assert vars(model) == before
