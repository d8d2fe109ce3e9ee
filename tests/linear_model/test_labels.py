"""Labels that are whole numbers: found and numbered by a table, against NumPy's unique."""
import numpy as np
import pytest

from fastopt._estimators.data import encode, find_classes
from fastopt._estimators.labels import codes_of, whole_numbers
from fastopt.linear_model import LogisticRegression

KINDS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]


def labels(kind):
    rng = np.random.default_rng(0)
    low = 0 if kind[0] in "?u" else -3
    return rng.integers(low, 2 if kind == "?" else low + 7, 300).astype(kind)


def found(y, classes):
    codes, counts = np.empty(len(y), np.uint8), np.zeros(len(classes), np.int64)
    return codes_of(y, classes, codes, counts), codes, counts


@pytest.mark.parametrize("kind", KINDS)
def test_classes_codes_and_counts_are_those_of_unique(kind):
    y = labels(kind)
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    mine = whole_numbers(y)
    assert mine.dtype == y.dtype and np.array_equal(mine, classes)
    known, *numbered = found(y, classes)
    assert known and np.array_equal(numbered[0], codes) and np.array_equal(numbered[1], counts)


@pytest.mark.parametrize("kind", KINDS)
def test_strided_read_only_labels_are_read_in_place(kind):
    y = np.repeat(labels(kind), 3)[::-3]
    y.flags.writeable = False
    assert np.array_equal(whole_numbers(y), np.unique(y))


def test_more_classes_than_a_byte_counts():
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(-100, 300), 2))
    codes, counts = encode(y, find_classes(y))
    assert codes.dtype == np.int32 and np.array_equal(codes, y + 100) and (counts == 2).all()


@pytest.mark.parametrize("y", [
    np.array([0.0, 0.5]), np.array([0.0, np.nan]), np.array([np.nan, 0.0]), np.array([0.0, np.inf]), np.array([0, 1 << 20]),
    np.array([1 << 53, (1 << 53) + 1]), np.array([0, 1], dtype=">i4"), np.array([0.0, 1.0], dtype=np.float16), np.array(["a", "b"]),
    np.array([[0, 1], [1, 0]]), np.array([], dtype=int)], ids=str)
def test_all_else_is_left_to_others(y):
    assert whole_numbers(y) is None
    assert not found(y, np.array([0, 1]))[0]


def test_classes_that_a_table_does_not_hold_are_found_as_before():
    for y in (np.array([0, 1 << 40, 0]), np.array([1 << 62, (1 << 62) + 1, 1 << 62]), np.array([1.0, 2.0, 1.0], np.float16)):
        classes, inverse = np.unique(y, return_inverse=True)
        assert np.array_equal(find_classes(y), classes) and np.array_equal(encode(y, classes)[0], inverse)


def test_labels_that_are_no_classes_are_named():
    for y in (np.array([0, 2, 1]), np.array([0, -1, 1]), np.array([0.0, 0.5, 1.0])):
        with pytest.raises(ValueError, match=r"y holds labels that are not in classes_"):
            encode(y, np.array([0, 1]))


def test_predictions_have_the_type_of_the_labels():
    X = np.random.default_rng(0).standard_normal((40, 2))
    for kind in KINDS:
        y = (X[:, 0] > 0).astype(kind)
        model = LogisticRegression().fit(X, y)
        assert model.classes_.dtype == y.dtype and model.predict(X).dtype == y.dtype and model.score(X, y) > 0.9
