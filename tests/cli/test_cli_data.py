"""Data files: every format, plain and gzipped, gives the same rows; what is not such a file is refused in one line."""
import gzip

import numpy as np
import pytest
import scipy.sparse as sp

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from fastopt._data.errors import CliError
from fastopt._data.formats import read
from fastopt._data.preparer import Preparer
from fastopt._data.target import hold_out, learn_target

RNG = np.random.RandomState(0)
X = np.where(RNG.rand(40, 5) < 0.7, 0, RNG.randn(40, 5)).round(3)
X[0, 0], X[1, 4] = 1.5, 2.5
Y = (np.arange(40) % 3).astype(np.int64)


def written(folder, name):
    """A file of X and Y in the format that its name asks for."""
    path, kind = folder / name, name.removesuffix(".gz").rsplit(".", 1)[1]
    plain = folder / ("plain." + kind)
    frame = pd.DataFrame(X, columns=list("abcde")).assign(target=Y)
    if kind in ("svm", "svmlight", "libsvm", "txt"):
        rows = (" ".join([str(t)] + [f"{j + 1}:{v}" for j, v in enumerate(x) if v]) for x, t in zip(X, Y))
        plain.write_text("\n".join(rows) + "\n")
    elif kind in ("csv", "tsv"):
        frame.to_csv(plain, sep="\t" if kind == "tsv" else ",", index=False)
    elif kind == "parquet":
        frame.to_parquet(plain)
    else:
        np.savez(plain, X=X, y=Y)
    path.write_bytes(gzip.compress(plain.read_bytes()) if name.endswith(".gz") else plain.read_bytes())
    return path


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize("kind", ["svm", "svmlight", "libsvm", "txt", "csv", "tsv", "npz", "parquet"])
def test_every_format_gives_the_same_rows(tmp_path, kind, zipped):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    data = read(written(tmp_path, f"rows.{kind}{zipped}"))
    got = data.X.toarray() if sp.issparse(data.X) else np.asarray(data.X)
    np.testing.assert_allclose(got, X, rtol=1e-6)
    np.testing.assert_array_equal(learn_target(data.target)[0], Y)


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_sparse_npz(tmp_path, form):
    path = tmp_path / "rows.npz"
    M = sp.csr_matrix(X).asformat(form)
    np.savez(path, data=M.data, indices=M.indices, indptr=M.indptr, shape=M.shape, format=form.encode(), y=Y)
    np.testing.assert_array_equal(read(path).X.toarray(), X)


@pytest.mark.parametrize("damage", [
    dict(indices=np.full(9, 99)), dict(indptr=np.array([0, 2, 1, 9])), dict(indices=np.arange(4)), dict(format=b"bsr")])
def test_damaged_sparse_npz_is_refused(tmp_path, damage):
    parts = dict(data=np.ones(9), indices=np.tile(np.arange(3), 3), indptr=np.array([0, 3, 6, 9]), shape=(3, 3),
                 y=np.arange(3))
    np.savez(tmp_path / "bad.npz", **{**parts, **damage})
    with pytest.raises(CliError, match="bad.npz"):
        read(tmp_path / "bad.npz")


@pytest.mark.parametrize("arrays, message", [
    (dict(X=np.array([[{}]], dtype=object), y=np.zeros(1)), "allow_pickle"), (dict(A=np.ones((2, 2))), "holds 'A'"),
    (dict(X=np.ones((2, 2))), "no array y"), (dict(X=np.ones((2, 2)), y=np.ones(3)), "y has shape"),
    (dict(X=np.ones(2), y=np.ones(2)), "X has shape"), (dict(X=np.array([["a"]]), y=np.ones(1)), "X has shape")])
def test_arrays_that_cannot_be_learnt_from(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(CliError, match=message):
        read(tmp_path / "bad.npz")


def test_indices_counted_from_0_and_from_1(tmp_path):
    (tmp_path / "zero.svm").write_text("1 0:1 2:3\n0 1:5\n")
    (tmp_path / "one.svm").write_text("1 1:1 3:3\n0 2:5\n")
    (tmp_path / "later.svm").write_text("1 2:7\n")
    for name, column in (("zero", 2), ("one", 1)):
        first = read(tmp_path / f"{name}.svm")
        np.testing.assert_array_equal(np.asarray(first.X), [[1, 0, 3], [0, 5, 0]])
        later = read(tmp_path / "later.svm", like=first.schema)
        assert later.X.shape == (1, 3) and later.X[0, column] == 7
    (tmp_path / "wide.svm").write_text("1 4:7\n")
    with pytest.raises(CliError, match="4 columns; the model was trained on 3"):
        read(tmp_path / "wide.svm", like=first.schema)


@pytest.mark.parametrize("text, columns, header", [
    ("a,b,label\n1,2,0\n3,4,1\n", ["a", "b"], True),
    ("1;2;0\n3;4;1\n", ["0", "1"], False),
    ("1\t2\t0\n3\t4\t1\n", ["0", "1"], False),
    ("1 2 0\n3  4 1\n", ["0", "1"], False),
    ("class,b\nx,2\ny,4\n", ["b"], True),
    (",a,b,y\n0,1,2,0\n1,3,4,1\n", ["a", "b"], True),
    ("39, State-gov, <=50K\n50, Private, >50K\n", ["0", "1"], False),
])
def test_csv_dialects(tmp_path, text, columns, header):
    path = tmp_path / "t.csv"
    path.write_text(text)
    data = read(path)
    assert list(data.X.columns) == columns and data.schema.header is header and len(data.target) == 2


@pytest.mark.parametrize("target, name", [
    ("price", "price"), ("PRICE", "price"), ("0", "price"), ("-1", "size"), (None, "size")])
def test_target_by_name_and_by_number(tmp_path, target, name):
    path = tmp_path / "t.csv"
    path.write_text("price,rooms,size\n1.5,2,3\n2.5,3,4\n")
    assert read(path, target=target).schema.target_name == name


def test_columns_of_a_later_file_are_found_by_name_or_place(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z\n1,0,2\n3,1,4\n")
    (tmp_path / "b.csv").write_text("z,extra,x\n20,5,10\n")
    first = read(tmp_path / "a.csv")
    assert read(tmp_path / "b.csv", like=first.schema).X.values.tolist() == [[10, 20]]
    (tmp_path / "c.csv").write_text("1,0,2\n3,1,4\n")
    (tmp_path / "d.csv").write_text("1,2\n")
    numbered = read(tmp_path / "c.csv", target="1")
    later = read(tmp_path / "d.csv", like=numbered.schema)
    assert later.X.values.tolist() == [[1, 2]] and list(later.X.columns) == ["0", "2"] and later.target is None
    (tmp_path / "e.csv").write_text("z,q\n20,5\n")
    with pytest.raises(CliError, match="lacks the column 'x'"):
        read(tmp_path / "e.csv", like=first.schema)


@pytest.mark.parametrize("name, content, message", [
    ("t.xyz", b"1", "not known by its name"), ("t.csv", b"", "empty"), ("t.svm", b"\n", "empty"),
    ("t.csv.gz", b"not gzip", "cannot be read"), ("t.npz", b"PK", "cannot be read as npz"),
    ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999)[:40], "cannot be read"), ("t.csv", b"a,b\n", "0 rows"),
    ("t.svm", b"1 a:b\n", "svmlight"), ("t.svm", b"1 2:1 1:1\n", "svmlight"), ("t.parquet", b"PAR1", "parquet"),
])
def test_what_is_no_such_file(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CliError, match=message) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_near_match_of_a_missing_file(tmp_path):
    (tmp_path / "houses.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CliError, match="did you mean 'houses.csv'"):
        read(tmp_path / "house.csv")


def test_kinds_of_target():
    def task(*values):
        return learn_target(np.array(values))[1].task

    assert task("a", "b") == task(1.0, 2.0) == task("1", "2", "1.0") == "classification"
    assert task(0.5, 1.0) == task(*range(50)) == task("$1,200", "$1.5") == "regression"
    assert learn_target(np.array([1.0, 2.0]))[0].dtype == np.int64


@pytest.mark.parametrize("y, task, message", [
    (np.array([1.0, np.nan]), None, "1 missing value, the first in row 2"), (np.array([1, 1]), None, "one class only"),
    (np.array(["a", None], dtype=object), None, "missing"), (np.array(["a", "b"]), "regression", "needs numbers"),
    (np.array([0.5, 1]), "classification", "fractions"), (np.full(3, 0.5), None, "in every row"),
    (np.array([f"x{i}" for i in range(99)]), None, "99 different values"), (np.array([np.inf, 1]), None, "infinite"),
    (np.array([1, 2]), "clasification", "did you mean 'classification'")])
def test_targets_that_cannot_be_learnt(y, task, message):
    with pytest.raises(CliError, match=message):
        learn_target(y, task)


@pytest.mark.parametrize("n, fraction", [(40, 0.1), (7, 0.3), (5, 0.0)])
def test_rows_are_held_out_by_class(n, fraction):
    y = np.array([0, 1, 1, 2, 2] * n)[:n]
    y[0] = 9
    learn, held = hold_out(y, fraction, 0, True)
    assert sorted([*learn, *held]) == list(range(n)) and set(y[learn]) == set(y)
    assert abs(len(held) - fraction * n) <= 1.5


def test_prepared_columns():
    frame = pd.DataFrame({"n": [1.0, 3.0, np.nan, 2.0], "c": ["b", "a", None, "b"], "f": [True, False, True, False],
                          "one": "same", "none": [None] * 4, "when": pd.to_datetime(["2020-01-01"] * 4)})
    p = Preparer().fit(frame)
    assert set(p.left_out_) == {"one", "none"}
    assert p.get_feature_names_out().tolist() == ["n", "f", "when", "c=(missing)", "c=a", "c=b"]
    out = p.transform(frame)
    assert out.dtype == np.float32 and out.shape == (4, p.n_features_out)
    np.testing.assert_allclose(out[:, 0], [-1.2247, 1.2247, 0, 0], atol=1e-4)
    np.testing.assert_array_equal(out[:, 3:], [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    new = pd.DataFrame({"n": [100.0], "c": ["unseen"], "f": [True], "one": 0, "none": 0,
                        "when": pd.to_datetime(["2020-01-01"])})
    assert p.transform(new)[0].tolist() == [5, 1, 0, 0, 0, 0]


def test_strings_only():
    frame = pd.DataFrame({"a": ["x", "y", "x"], "b": ["u", "u", "v"]})
    np.testing.assert_array_equal(Preparer().fit_transform(frame), [[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]])


def test_a_string_where_numbers_were():
    p = Preparer().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2]}))
    with pytest.raises(ValueError, match="column 'b' held numbers in training, and here 'two'"):
        p.transform(pd.DataFrame({"a": [1.0, 2.0], "b": ["1", "two"]}))


def test_decimal_commas_and_other_encodings(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffname;größe;y\r\n\"a;b\";1,5;0\r\nc;2,25;1\r\n".encode())
    data = read(tmp_path / "a.csv")
    assert list(data.X.columns) == ["name", "größe"] and data.X["größe"].tolist() == [1.5, 2.25]
    (tmp_path / "b.csv").write_bytes("näme,y\nü,0\n".encode("latin-1"))
    assert read(tmp_path / "b.csv").X["näme"].tolist() == ["ü"]


def test_very_many_categories_make_a_sparse_matrix():
    frame = pd.DataFrame({f"c{i}": np.arange(300).astype(str) for i in range(2)} | {"n": np.arange(300.0)})
    assert set(Preparer().fit(frame).left_out_) == {"c0", "c1"}
    frame = pd.DataFrame({f"c{i}": (np.arange(400) % 90).astype(str) for i in range(7)} | {"n": np.arange(400.0)})
    dense = pd.get_dummies(frame.drop(columns="n"), prefix_sep="=", dtype=float)
    p = Preparer().fit(frame)
    out = pd.DataFrame(p.transform(frame).toarray(), columns=p.get_feature_names_out())
    np.testing.assert_array_equal(out[dense.columns], dense)


def test_sparse_columns_are_scaled_only_if_wild():
    tame, wild = sp.csr_matrix([[0.5, 0], [1, 2]]), sp.csr_matrix([[500.0, 0], [1000, -2]])
    np.testing.assert_array_equal(Preparer().fit_transform(tame).toarray(), tame.toarray())
    np.testing.assert_array_equal(Preparer().fit_transform(wild).toarray(), [[0.5, 0], [1, -1]])
    np.testing.assert_array_equal(Preparer(scale=False).fit_transform(wild).toarray(), wild.toarray())


def test_infinite_values_are_named():
    with pytest.raises(ValueError, match="column 'size' has an infinite value in row 2"):
        Preparer().fit(pd.DataFrame({"size": [1.0, np.inf]}))
