"""The command on tables as people have them, a list of each kind: how they are written, what their target is."""
import os
import re

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("typer")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

from command import fastopt, figure, train
from fastopt._data.dialect import sniff
from fastopt._data.errors import CliError
from fastopt._data.formats import read
from fastopt._data.tables import _by_arrow, _by_pandas
from fastopt._data.target import learn_target

pytestmark = pytest.mark.usefixtures("folder")
NAN = float("nan")
RNG = np.random.default_rng(0)


def table(text, name="t.csv", encoding="utf-8", **how):
    (path := os.path.join(os.getcwd(), name))
    with open(path, "wb") as stream:
        stream.write(text if isinstance(text, bytes) else text.encode(encoding))
    data = read(path, **how)
    return {c: data.X[c].tolist() for c in data.X.columns}, data


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, text, columns, named", [
    ("t.csv", "region,2019,2020\nnorth,3,4\nsouth,5,6\n", {"region": ["north", "south"], "2019": [3, 5]}, True),
    ("t.csv", "2019,2020,2021\n15,25,1\n25,25,2\n", {"2019": [15, 25], "2020": [25, 25]}, True),
    ("t.csv", "0,1,2\n1.5,2.5,a\n2.5,2.5,b\n", {"0": [1.5, 2.5], "1": [2.5, 2.5]}, True),
    ("t.csv", "p,x,s\ne,x,s\np,y,t\n", {"0": ["p", "e", "p"], "1": ["x", "x", "y"]}, False),
    ("t.csv", "1,5;2,5;0\n2,5;3;1\n", {"0": [1.5, 2.5], "1": [2.5, 3]}, False),
    ("t.tsv", "1,5\t2,5\t0\n2,5\t3\t1\n", {"0": [1.5, 2.5], "1": [2.5, 3]}, False),
    ("t.csv", 'a,b,y\n"1,5","2,25",0\n"2,5",3,1\n', {"a": [1.5, 2.5], "b": [2.25, 3]}, True),
    ("t.csv", "label\tgood, nice, cheap\nx\ta, b\ny\tc, d, e\n", {"good, nice, cheap": ["a, b", "c, d, e"]}, True),
    ("t.tsv", 'label\ttext\nx\t"so she said\ny\tno\n', {"text": ['"so she said', "no"]}, True),
    ("t.csv", "label;good, nice, cheap\nx;a, b, c\ny;c, d, e\n", {"good, nice, cheap": ["a, b, c", "c, d, e"]}, True),
    ("t.csv", "1,5|dog|2020-01-31\n2,5|cat|2020-02-29\n", {"0": [1.5, 2.5], "1": ["dog", "cat"]}, False),
    ("t.csv", "1,a;b,0\n2,c;d,1\n", {"0": [1, 2], "1": ["a;b", "c;d"]}, False),
    ("t.csv", 'a,y\n"$452,600",0\n$5.5,1\n', {"a": [452600, 5.5]}, True),
    ("t.csv", "a;y\n12 %;0\n0,5 %;1\n", {"a": [12, 0.5]}, True),
    ("t.csv", "a;y\n1 234,5;0\n−7;1\n", {"a": [1234.5, -7]}, True),
    ("t.csv", "a;y\n1.234.567,5;0\n€ 7;1\n", {"a": [1234567.5, 7]}, True),
    ("t.csv", "a,y\n1'234.5,0\n7,1\n", {"a": [1234.5, 7]}, True),
    ("t.csv", "a;b;y\nk. A.;01.02.1970;ja\n3,5;13.01.1970;nein\n", {"a": [NAN, 3.5], "b": [31, 12]}, True),
    ("t.csv", "a,y\nTRUE,0\nNA,1\nfalse,0\n", {"a": [1, NAN, 0]}, True),
    ("t.csv", "a,b,y,\n1,2,0,\n3,4,1,\n", {"a": [1, 3], "b": [2, 4]}, True),
    ("t.csv", "a,b,y\n1,2,0,\n3,4,1,\n", {"a": [1, 3], "b": [2, 4]}, True),
    ("t.txt", '"a" "b"\n"r1" 2 0\n"r2" 4 1\n', {"a": [2, 4]}, True),
    ("t.csv", "sep=;\na;b\n1;2\n3;4\n", {"a": [1, 3]}, True),
    ("t.csv", "Sales of 2020\n\na;b;c\n1;2;3\n2;3;4\n", {"a": [1, 2], "b": [2, 3]}, True),
    ("t.csv", 'a,b\n"x\ny",2\n"z ""q""",3\n', {"a": ["x\ny", 'z "q"']}, True),
    ("t.csv", "a,y\n1,0\n\n2,1\n", {"a": [1, 2]}, True),
])
def test_how_tables_are_written(name, text, columns, named):
    got, data = table(text, name)
    assert data.schema.header is named and list(got) == list(columns)
    for column, values in columns.items():
        np.testing.assert_array_equal(np.array(got[column], dtype=object if isinstance(values[0], str) else float), values)


@pytest.mark.parametrize("text", [
    "a,b\n1,2\n", 'a,b\n"x\ny","q""r"\n\n3,4', 'a,b\r\na"b,"abc"def\r\n', "title\n\na,b,c\n1,2,3\n", "ä;b\n1;2\n",
    "a,b\r1,2\r3,4\r", "a,b\n,\n1,2\n", "a\tb\n\"x\t2\n3\t4\n", "a|b\n'1'|2\n", '"a";"b"\n"1";"2"\n'])
def test_both_readers_read_the_same(text):
    """Arrow's is fast; pandas' takes the tables that Arrow's refuses."""
    import io

    dialect = sniff(re.split(r"\r\n|\n|\r", text), ".csv")
    fast, patient = (reader(io.BytesIO(text.encode()), dialect, "utf-8") for reader in (_by_arrow, _by_pandas))
    assert fast.to_dict("list") == patient.to_dict("list")


def test_a_short_row_has_gaps_at_its_end():
    got, data = table("a,b,c,y\n1,x,2,0\n2,y\n3,x,4,1\n", target="a")
    np.testing.assert_array_equal(got["c"], [2, NAN, 4])
    assert data.target.to_pylist() == ["1", "2", "3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(encoding):
    got, _ = table("größe;y\n1,5;é\n2,5;ü\n", encoding=encoding)
    assert got == {"größe": [1.5, 2.5]}


def test_all_rows_are_looked_at():
    """A decimal comma, a word, a day above 12: after ten thousand rows that do without."""
    n = 10_000
    late = ("2,5", "x1", "31/12/2020")
    rows = "".join(f"{i};{i};05/06/2020;{i % 2}\n" for i in range(n)) + ";".join(late) + ";1\n"
    got, _ = table("a;b;c;y\n" + rows)
    assert got["a"][-1] == 2.5 and got["b"][-1] == "x1" and got["b"][0] == "0"
    assert got["c"][0] == (pd.Timestamp(2020, 6, 5) - pd.Timestamp(1970, 1, 1)).days


@pytest.mark.parametrize("text, message", [
    ("", "empty"), ("a,b\n", "0 rows"), ("a\n1\n2\n", "one column only, 'a'"), ("a,b\n1\0,2\n3,4\n", "NUL byte in line 2"),
    ("a,b,y\n1,2,0\n3,4,1,9\n", "line 3 has 4 cells, the table 3 columns"), ("a,a\n1,2\n", "names columns twice: 'a'"),
])
def test_what_is_no_table(text, message):
    with pytest.raises(CliError, match=message) as caught:
        table(text)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize("text, note", [
    ("a,y\n1/2/2020,0\n3/4/2020,1\n", "'1/2/2020' is read as %m/%d/%Y"), ("a,y\n\"1,234\",0\n5,1\n", "'1,234' is read as 1234"),
    ("region,2019,2020\nnorth,a,4\nsouth,b,6\n", "the first line, 'region,2019,2020', is taken as names"),
    ("a,y\n" + "1,0\n2,1\n" * 9 + "unknown,0\n", "'unknown' counts as a gap"),
])
def test_what_is_not_sure_is_said(text, note):
    assert any(note in said for said in table(text)[1].notes)


# -- the target --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells, labels, unknown", [
    (["007", "008"], ["007", "008"], ["7", "7.0", "8"]), (["1", "2"], ["1", "2"], ["1.9", "01", "x"]),
    (["1.0", "2.0"], ["1.0", "2.0"], ["1.5"]), (["cat", "dog"], ["cat", "dog"], ["caterpillar", "do", "Cat"]),
    (["TRUE", "FALSE"], ["FALSE", "TRUE"], ["T", "1"]), ([1.0, 2.0], ["1", "2"], [1.9, 0.0]),
    ([True, False], ["False", "True"], ["no"]), (["<=50K", ">50K"], ["<=50K", ">50K"], ["<=50K."]),
])
def test_labels_keep_their_spelling_and_are_never_cast(cells, labels, unknown):
    y, target, _ = learn_target(cells * 3)
    assert list(target.labels) == labels and [str(v) for v in y[:2]] == [labels[c] for c in target.codes(cells)]
    assert (target.codes(unknown) == -1).all()


def test_one_class_in_two_spellings_is_said():
    y, target, notes = learn_target(["1", "1.0", "1", "0"])
    assert y.tolist() == [1, 1, 1, 0] and "'1' and '1.0'" in notes[0]


def test_the_target_is_named_and_its_guess_comes_first():
    pd.DataFrame({"a": RNG.normal(size=40), "b": RNG.integers(0, 2, 40)}).to_csv("t.csv", index=False)
    out = train("t.csv")
    assert out.startswith("target: column 'b', since it is the last column; --target NAME chooses another\n")
    assert "2 classes in column 'b'" in out
    assert train("t.csv", "--target", "a").startswith("t.csv: 40 rows × 1 columns, a number to predict: column 'a'")
    train("t.csv", "--target", "aa", code=2)
    assert "no column 'aa': did you mean 'a'?" in fastopt.errors


@pytest.mark.parametrize("found, code, accuracy", [
    (["caterpillar", "cat", "dog", "dog"], 0, 0.75), (["caterpillar"] * 4, 1, None), (["cat", "", "dog", "dog"], 0, 1.0)])
def test_the_labels_of_the_validation_file(found, code, accuracy):
    pd.DataFrame({"a": [0.0, 1.0] * 20, "y": ["cat", "dog"] * 20}).to_csv("t.csv", index=False)
    pd.DataFrame({"a": [0.0, 0.0, 1.0, 1.0], "y": found}).to_csv("v.csv", index=False)
    out = train("t.csv", "--validation", "v.csv", code=code)
    if code:
        assert "'caterpillar', none of which is in the training file: 'cat', 'dog'" in fastopt.errors
    else:
        rows = 4 - found.count("")
        assert figure(out, f"accuracy on {rows} held-out rows") == pytest.approx(accuracy)
        assert ("not in the training file" in fastopt.errors) == (accuracy < 1) and ("no target" in fastopt.errors) == ("" in found)


@pytest.mark.parametrize("place", [0, 17, 39])
@pytest.mark.parametrize("name", ["t.csv", "t.npz", "sparse.npz"])
def test_rows_are_counted_as_in_the_file(name, place):
    """Whatever is held out before it is found."""
    X = RNG.normal(size=(40, 2))
    X[place, 1] = np.inf
    if name == "sparse.npz":
        S = sp.csr_matrix(np.hstack([X, np.zeros((40, 9))]))
        np.savez(name, data=S.data, indices=S.indices, indptr=S.indptr, shape=S.shape, y=np.arange(40) % 2)
    elif name.endswith("csv"):
        pd.DataFrame(X, columns=["0", "1"]).assign(y=np.arange(40) % 2).to_csv(name, index=False)
    else:
        np.savez(name, X=X, y=np.arange(40) % 2)
    train(name, code=1)
    assert f"column '1' has an infinite value in row {place + 1}\n" in fastopt.errors
