"""What the SGD estimators take: layouts of X, without copies, types of targets; results that no layout or thread changes."""
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from sklearn.utils.validation import DataConversionWarning

from fastopt._estimators.data import encode, find_classes
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

ESTIMATORS = [SGDClassifier, SGDRegressor, SGDOneClassSVM]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 150, 6


def target(cls, score):
    return {SGDClassifier: np.digitize(score, [-1.0, 1.0]), SGDRegressor: score, SGDOneClassSVM: None}[cls]


def problem(cls, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(N, D)), 2).astype(dtype)
    return X, target(cls, X @ np.arange(D) / 4)


def unaligned(X):
    raw = np.empty(X.nbytes + 1, dtype=np.uint8)
    out = raw[1:].view(X.dtype).reshape(X.shape)
    out[...] = X
    return out


def strided(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def mapped(X):
    import tempfile
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 it lives as long as the array
    X.tofile(file.name)
    out = np.memmap(file.name, dtype=X.dtype, mode="r", shape=X.shape)
    out.file = file
    return out


def csr64(X):
    out = scipy.sparse.csr_matrix(X)
    out.indices, out.indptr = out.indices.astype(np.int64), out.indptr.astype(np.int64)
    return out


LAYOUTS = {"fortran": np.asfortranarray, "strided": strided, "negative": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
           "read_only": read_only, "memmap": mapped, "unaligned": unaligned}
SPARSE = {"csr32": scipy.sparse.csr_matrix, "csr64": csr64, "csr_array": scipy.sparse.csr_array,
          "csc": scipy.sparse.csc_matrix, "coo": scipy.sparse.coo_array}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_layouts_agree(cls, dtype):
    X, y = problem(cls, dtype)
    model = cls(random_state=0, max_iter=5).fit(X, y)
    assert model.coef_.dtype == dtype
    for name, layout in LAYOUTS.items():
        other = cls(random_state=0, max_iter=5).fit(layout(X), y)
        np.testing.assert_array_equal(other.coef_, model.coef_, err_msg=name)
        np.testing.assert_array_equal(other.predict(layout(X)), model.predict(X), err_msg=name)
    sparse = cls(random_state=0, max_iter=5).fit(scipy.sparse.csr_matrix(X), y)
    for name, layout in SPARSE.items():
        other = cls(random_state=0, max_iter=5).fit(layout(X), y)
        np.testing.assert_array_equal(other.coef_, sparse.coef_, err_msg=name)
        np.testing.assert_allclose(other.predict(layout(X)), sparse.predict(X), rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, scipy.sparse.csr_matrix, csr64])
def test_float32_comes_near_float64(layout):
    X, y = problem(SGDRegressor)
    wide = SGDRegressor(random_state=0, max_iter=20).fit(layout(X), y)
    narrow = SGDRegressor(random_state=0, max_iter=20).fit(layout(X.astype(np.float32)), y)
    np.testing.assert_allclose(narrow.coef_, wide.coef_, rtol=1e-4, atol=1e-4)
    assert narrow.predict(layout(X.astype(np.float32))).dtype == np.float32
    assert wide.predict(layout(X)).dtype == np.float64


@pytest.mark.parametrize("layout", [np.asarray, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_threads_do_not_change_bits(layout, k, many_threads):
    X, _ = problem(SGDClassifier)
    y = np.arange(N) % k
    one, two, many = (SGDClassifier(loss="log_loss", random_state=0, max_iter=8, n_jobs=jobs).fit(layout(X), y)
                      for jobs in (None, 2, 4))
    for other in (two, many):
        np.testing.assert_array_equal(other.coef_, one.coef_)
        np.testing.assert_array_equal(other.decision_function(X), one.decision_function(X))
    big = np.tile(X, (3000, 1))
    np.testing.assert_array_equal(two.decision_function(big)[-N:], one.decision_function(X))


@pytest.mark.parametrize("y_type", [np.int64, np.int32, np.uint8, np.float32, np.float64, bool])
def test_targets_of_every_type(y_type):
    X, _ = problem(SGDRegressor)
    y = np.arange(N) % 2
    expected = SGDRegressor(random_state=0, max_iter=4).fit(X, y.astype(float))
    for column in (y.astype(y_type), np.repeat(y, 2).astype(y_type)[::2]):
        np.testing.assert_array_equal(SGDRegressor(random_state=0, max_iter=4).fit(X, column).coef_, expected.coef_)


def test_a_column_of_targets_is_flattened():
    X, y = problem(SGDRegressor)
    for cls, column in ((SGDRegressor, y[:, None]), (SGDClassifier, (y > 0)[:, None])):
        with pytest.warns(DataConversionWarning):
            model = cls().fit(X, column)
        assert model.predict(X).shape == (N,)


@pytest.mark.parametrize("kind", ["binary", "classes", "targets", "sparse"])
def test_memory_beside_narrow_rows(kind):
    rng = np.random.default_rng(0)
    X = rng.random((200_000, 28), dtype=np.float32)
    y = {"classes": rng.integers(0, 10, len(X)), "targets": rng.random(len(X))}.get(kind, rng.integers(0, 2, len(X)))
    X, size = X, X.nbytes
    if kind == "sparse":
        X = scipy.sparse.random(200_000, 123, density=14 / 123, format="csr", dtype=np.float32, random_state=0)
        size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    model = (SGDRegressor if kind == "targets" else SGDClassifier)(max_iter=2, tol=None)
    model.fit(X[:1000], y[:1000])
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.05 * size


@pytest.mark.parametrize("labels", [
    [0.0, 1.0], [-3.0, 7.0, 2.0], [1e6, 1e6 + 1], [2.0 ** 60, 0.0], [5, -5], [2 ** 62, 2 ** 62 + 1], [True, False], [70_000, -1],
    [np.float16(1), np.float16(0)], ["b", "a"], [-0.0, 1.0],
], ids=str)
def test_labels_are_found_and_numbered_as_numpy_does(labels):
    y = np.array(labels)[np.random.default_rng(0).integers(0, len(labels), 10_000)]
    wanted, codes = np.unique(y, return_inverse=True)
    classes = find_classes(y)
    assert classes.dtype == y.dtype and np.array_equal(classes, wanted)
    found, counts = encode(y, classes)
    assert np.array_equal(found, codes) and np.array_equal(counts, np.bincount(codes))
    with pytest.raises(ValueError, match="not in classes_"):
        encode(y, classes[1:] if len(labels) > 2 else np.array([classes[0]] * 2))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")   # scikit-learn's, on its way to the error
@pytest.mark.parametrize("labels", [[0.0, 0.5], [0.0, np.nan], [0.0, np.inf]], ids=str)
def test_numbers_that_are_no_labels_are_refused(labels):
    with pytest.raises(ValueError):
        find_classes(np.array(labels)[np.arange(9000) % 2])
