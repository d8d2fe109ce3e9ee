"""The SGD estimators as part of scikit-learn: parameters, attributes, pipelines, searches, routing, callbacks, pickles."""
import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn
from sklearn import linear_model as sk
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastopt as fo
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5))
    return X, (X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 0.3 * rng.normal(size=120))


def target(cls, score):
    return {SGDClassifier: np.digitize(score, [-2.0, 2.0]), SGDRegressor: score, SGDOneClassSVM: None}[cls]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameters_are_scikit_learns_and_some_more(cls):
    ours = inspect.signature(cls).parameters
    theirs = inspect.signature(getattr(sk, cls.__name__)).parameters
    assert list(ours)[:len(theirs)] == list(theirs)
    for name, parameter in theirs.items():
        if name != "eta0" or parameter.default:   # 0 before 1.8, which no schedule that reads eta0 takes
            assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind), name
    assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in set(ours) - set(theirs))
    for method in ("fit", "partial_fit"):
        theirs = [*inspect.signature(getattr(getattr(sk, cls.__name__), method)).parameters]
        assert [*inspect.signature(getattr(cls, method)).parameters][:len(theirs)] == theirs


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_and_attribute_is_documented(cls, data):
    X, score = data
    model = cls(average=True).fit(pd.DataFrame(X, columns=list("abcde")), target(cls, score))
    attributes = [name for name in vars(model) if name.endswith("_") and not name.startswith("_")]
    for name in [*inspect.signature(cls).parameters, *attributes]:
        assert f"\n{name} : " in inspect.getdoc(cls), name
    assert not {"[", "{passive"} & set(inspect.getdoc(cls).split()[0])
    for method in ("fit", "partial_fit", "predict"):
        for name in list(inspect.signature(getattr(cls, method)).parameters)[1:]:
            assert f"\n{name} : " in inspect.getdoc(getattr(cls, method)) or name == "y", (method, name)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_frames_and_feature_names(cls, frame, data):
    X, score = data
    named = frame(X, columns=["a", "b", "c", "d", "e"]) if frame is pd.DataFrame else frame(X, schema=list("abcde"))
    y = target(cls, score)
    series = {pd.DataFrame: pd.Series, pl.DataFrame: pl.Series}[frame]
    model = cls(random_state=0).fit(named, y if y is None else series(y))
    np.testing.assert_array_equal(model.coef_, cls(random_state=0).fit(X, y).coef_)
    if not hasattr(StandardScaler().fit(named), "feature_names_in_"):   # scikit-learn 1.7 does not know polars 2
        return
    assert list(model.feature_names_in_) == list("abcde")
    model.predict(named)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(named.rename({"a": "z"} if frame is pl.DataFrame else str.upper, **(
            {"axis": 1} if frame is pd.DataFrame else {})))


def test_labels_of_any_kind(data):
    X, score = data
    codes = np.digitize(score, [-2.0, 2.0])
    fits = {}
    for name, labels in {"str": np.array(["low", "mid", "top"]), "object": np.array(["low", "mid", "top"], dtype=object),
                         "float": np.array([-1.0, 0.0, 7.0]), "int8": np.array([-128, 0, 127], dtype=np.int8),
                         "uint64": np.array([1, 2, 2 ** 60], dtype=np.uint64)}.items():
        fits[name] = model = SGDClassifier(random_state=0).fit(X, labels[codes])
        assert set(model.predict(X)) <= set(labels)
        np.testing.assert_array_equal(model.classes_, labels)
        np.testing.assert_array_equal(model.coef_, fits["str"].coef_)
    assert SGDClassifier().fit(X, score > 0).predict(X).dtype == bool
    assert SGDClassifier().fit(X, pd.Series(np.where(score > 0, "a", "b"), dtype="category")).score(
        X, np.where(score > 0, "a", "b")) > 0.8
    many = SGDClassifier(max_iter=2).fit(np.eye(300), np.arange(300)[::-1])   # class numbers beyond a byte
    assert many.coef_.shape == (300, 300)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_clone_pickle_and_set_params(cls, data):
    X, score = data
    y = target(cls, score)
    model = cls(random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(clone(model).fit(X, y).coef_, model.coef_)
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    assert repr(cls(max_iter=7)) == f"{cls.__name__}(max_iter=7)"


def test_a_loss_instance_can_be_cloned_and_searched(data):
    X, y = data
    search = GridSearchCV(make_pipeline(StandardScaler(), SGDRegressor(random_state=0)),
                          {"sgdregressor__loss": [fo.losses.Huber(delta=2.0), "squared_error", fo.losses.Quantile(0.3)]})
    search.fit(X, y)
    assert search.best_score_ > 0.9
    np.testing.assert_array_equal(
        SGDRegressor(loss=fo.losses.Huber(delta=0.1), random_state=0).fit(X, y).coef_,
        SGDRegressor(loss="huber", epsilon=0.1, random_state=0).fit(X, y).coef_)


def test_cross_validation_in_parallel(data):
    X, score = data
    result = cross_validate(SGDClassifier(random_state=0, n_jobs=2), X, score > 0, n_jobs=2, cv=3)
    assert result["test_score"].mean() > 0.8


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_metadata_routing(cls, data):
    X, score = data
    y = target(cls, score)
    with sklearn.config_context(enable_metadata_routing=True):
        model = cls(random_state=0).set_fit_request(sample_weight=True)
        weight = np.linspace(0, 2, len(X))
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        fitted = make_pipeline(scaler, model).fit(X, y, sample_weight=weight)
    expected = cls(random_state=0).fit(StandardScaler().fit_transform(X), y, sample_weight=weight)
    np.testing.assert_array_equal(fitted[-1].coef_, expected.coef_)


def test_eval_set_through_a_pipeline(data):
    X, score = data
    model = make_pipeline(StandardScaler(), SGDRegressor(max_iter=5))
    model.fit(X, score, sgdregressor__eval_set=(StandardScaler().fit_transform(X), score))
    assert len(model[-1].validation_curve_) == 5


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_sparsify_and_densify(cls, data):
    X, score = data
    y = target(cls, score)
    model = cls(random_state=0).fit(X, y)
    before, predicted = model.coef_, model.predict(X)
    model.sparsify()
    assert scipy.sparse.issparse(model.coef_)
    np.testing.assert_array_equal(model.predict(X), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)
    model.densify()
    np.testing.assert_array_equal(model.coef_, before)
    assert model.coef_.shape == before.shape
    other = cls(random_state=0).fit(X, y).sparsify().partial_fit(X, y)   # goes on from sparse weights
    np.testing.assert_array_equal(other.coef_, model.partial_fit(X, y).coef_)


def test_l1_gives_exact_zeros(data):
    X, score = data
    noise = np.random.default_rng(1).normal(size=(120, 20))
    model = SGDRegressor(penalty="l1", alpha=0.05, random_state=0).fit(np.hstack([X, noise]), score)
    assert (model.coef_ == 0).sum() >= 15
    assert (model.coef_[[0, 1, 4]] != 0).all()


@pytest.mark.parametrize("loss", ["hinge", "squared_error", "focal", fo.losses.Perceptron()])
def test_probabilities_only_where_there_are_any(loss, data):
    model = SGDClassifier(loss=loss)
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method)
        with pytest.raises(AttributeError, match=method):
            getattr(model, method)
    assert hasattr(SGDClassifier(loss=fo.losses.LogLoss()), "predict_proba")


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_probabilities_far_away(loss):
    X = np.array([[-1.0], [0.0], [1.0]] * 5)
    model = SGDClassifier(loss=loss, random_state=0).fit(X, [0, 1, 2] * 5)
    p = model.predict_proba([[-1e3], [0.0], [1e3]])
    assert p.shape == (3, 3) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_warnings(cls, data):
    X, score = data
    y = target(cls, score)
    with pytest.warns(ConvergenceWarning, match="max_iter") as caught:
        cls(max_iter=1).fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(FutureWarning, match="power_t"):
        cls(power_t=-0.5).fit(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_unfitted(cls):
    with pytest.raises(NotFittedError):
        cls().predict([[1.0]])
    with pytest.raises(NotFittedError):
        cls().sparsify()


def test_verbose_prints_each_epoch(data, capsys):
    X, score = data
    SGDClassifier(verbose=1, max_iter=3).fit(X, score > 0)
    printed = capsys.readouterr().out
    assert printed.count("-- Epoch") == 3 and "Avg. loss" in printed and "NNZs: 5" in printed


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_tags(cls):
    tags = sklearn.utils.get_tags(cls())
    assert tags.input_tags.sparse
    assert tags.target_tags.multi_output == (cls is SGDRegressor)


def test_without_scikit_learns_callbacks(run_python):
    """As before 1.9."""
    output = run_python("""
        import sys
        sys.modules["sklearn.callback"] = None
        import numpy as np
        from fastopt.linear_model import SGDClassifier
        model = SGDClassifier(random_state=0).fit(np.eye(4), [0, 1, 0, 1])
        print(model.predict(np.eye(4)), hasattr(model, "set_callbacks"))
    """.replace("\n        ", "\n"))
    assert output.strip() == "[0 1 0 1] False"
