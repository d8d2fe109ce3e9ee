"""scikit-learn's callbacks, which came with its version 1.9, on the SGD estimators."""
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, X @ [0.5, -1.0, 0.0, 0.3] + 0.5 * rng.standard_t(5, size=200) + 0.2


def target(cls, score):
    return {SGDClassifier: np.digitize(score, [-0.7, 0.7]), SGDRegressor: score, SGDOneClassSVM: None}[cls]


class Recorder:
    """Counts what it is told; asks for everything."""

    def __init__(self, stop_after=None):
        self.events, self.scores, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.events.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.events.append(f"end {context.task_name} {context.task_id}")
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.decision_function(X)[0] if y is None else fitted_estimator.score(X, y))
            return len(self.scores) == self.stop_after


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_scikit_learns_callbacks_see_every_epoch(cls, average):
    X, score = problem()
    y = target(cls, score)
    recorder = Recorder()
    model = cls(random_state=0, max_iter=3, tol=None, average=average).set_callbacks(recorder).fit(X, y)
    assert recorder.events == ["setup", "begin fit 0", *[f"{what} epoch {i}" for i in range(3) for what in ("begin", "end")],
                               "end fit 0", "teardown"]
    last = model.decision_function(X)[0] if y is None else model.score(X, y)
    assert recorder.scores[-1] == last and len(set(recorder.scores)) > 1
    np.testing.assert_array_equal(model.coef_, cls(random_state=0, max_iter=3, tol=None, average=average).fit(X, y).coef_)


def test_scikit_learns_callbacks_may_stop_a_fit():
    X, score = problem()
    model = SGDRegressor(tol=None).set_callbacks(Recorder(stop_after=4)).fit(X, score)
    assert model.n_iter_ == 4


def test_scikit_learns_callbacks_are_torn_down_after_an_error():
    X, score = problem()
    recorder = Recorder()
    model = SGDRegressor().set_callbacks(recorder)
    with pytest.raises(ValueError):
        model.fit(X * np.nan, score)
    assert recorder.events[0] == "setup" and recorder.events[-1] == "teardown"
    assert set(vars(model)) - set(vars(SGDRegressor())) == {"_skl_callbacks"}


def test_scoring_monitor_and_progress_bar(capsys):
    X, score = problem()
    monitor = callback.ScoringMonitor(scoring="r2")
    SGDRegressor(max_iter=5, tol=None, random_state=0).set_callbacks(monitor, callback.ProgressBar()).fit(X, score)
    logged = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(logged) == 5 and logged[-1] > 0.4
    search = GridSearchCV(SGDRegressor(max_iter=2, tol=None), {"alpha": [1e-4, 1]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, score)   # hands it down
    assert "epoch" in capsys.readouterr().out or search.best_params_
