"""The command on files as people have them, a list of each kind: what is read, what is said, what is saved, what is never lost."""
import os
import signal
import stat
import subprocess

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

from sklearn import metrics  # noqa: E402
from test_cli import ENVIRONMENT, command, fastopt, figure  # noqa: E402

from fastopt import _cli_report  # noqa: E402
from fastopt._cli_data import read  # noqa: E402
from fastopt._cli_errors import CliError  # noqa: E402
from fastopt._cli_target import learn_target  # noqa: E402
from fastopt._model_file import load_model  # noqa: E402

NAN = float("nan")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*args, code=0):
    """stdout of a training without a picture, which takes longer than small fits."""
    return fastopt("train", *args, "--no-plot", code=code)


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
    assert "no column 'aa'; did you mean 'a'?" in fastopt.errors


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


# -- what is said is true of the file ----------------------------------------------------------------------------------


def shown(out, name):
    return float(figure(out.replace(",", ""), name))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_log_loss_is_scikit_learns_of_the_saved_model(classes, seed):
    rng = np.random.default_rng(seed)
    X, centers = rng.normal(size=(400, 3)), rng.normal(size=(classes, 3))
    y = np.argmax(X @ centers.T + rng.gumbel(size=(400, classes)) / 2, axis=1)
    for name, rows in (("t.csv", slice(300)), ("v.csv", slice(300, None))):
        pd.DataFrame(X[rows], columns=list("abc")).assign(y=y[rows]).to_csv(name, index=False)
    out = train("t.csv", "--validation", "v.csv", "--epochs", 9)
    proba = load_model("fastopt-model.npz").predict_proba(pd.read_csv("v.csv")[list("abc")])
    truth = metrics.log_loss(y[300:], proba, labels=np.arange(classes))
    assert figure(out, "log loss") == pytest.approx(truth, abs=5.1e-5)
    fastopt("predict", "fastopt-model.npz", "v.csv")
    assert f"log loss {truth:.4f}" in fastopt.errors


@pytest.mark.parametrize("offset, scale", [(0, 1), (1e8, 2), (1e12, 1), (-273.15, 1e-6), (0, 1e12)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_saved_model_has_the_digits_of_the_target(offset, scale, dtype):
    x = RNG.normal(size=400)
    y = offset + scale * x
    pd.DataFrame({"x": x, "y": y}).to_csv("t.csv", index=False)
    out = train("t.csv", "--dtype", dtype)
    predicted = load_model("fastopt-model.npz").predict(pd.DataFrame({"x": x}))
    assert metrics.r2_score(y, predicted) > 0.9999
    assert figure(out, "R² on 40 held-out rows") > 0.9999 and shown(out, "RMSE") < 0.02 * scale
    fastopt("predict", "fastopt-model.npz", "t.csv", "-o", "out.csv")
    assert "R² 1.0000" in fastopt.errors
    assert pd.read_csv("out.csv", dtype=str)["prediction"].astype(float).tolist() == predicted.tolist()


@pytest.mark.parametrize("y, score", [(["a", "b", "", "a"], "accuracy"), ([1.5, 2.5, None, 1.5], "R²")])
def test_rows_without_a_target_do_not_count(y, score):
    pd.DataFrame({"x": [0.0, 1.0, 0.0] * 9 + [1.0], "y": [y[0], y[1], y[0]] * 9 + [y[1]]}).to_csv("t.csv", index=False)
    train("t.csv", "--validation-fraction", 0)
    pd.DataFrame({"x": [0.0, 1.0, 1.0, 0.0], "y": y}).to_csv("p.csv", index=False)
    fastopt("predict", "fastopt-model.npz", "p.csv")
    assert "note: 1 row has no target and is not scored" in fastopt.errors
    assert float(fastopt.errors.partition(score + " ")[2].split(",")[0]) > 0.99


@pytest.mark.parametrize("options", [["--loss", "huber"], ["--loss", "quantile:quantile=0.3"], ["--loss", "hinge"], ["--no-scale"]])
def test_what_is_shown_is_of_the_saved_model(options):
    x = RNG.normal(size=(300, 2))
    y = np.where(x[:, 0] > 0, "u", "v") if "hinge" in options else 50 + 3 * x[:, 0] + RNG.normal(size=300)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=y)
    frame[:200].to_csv("t.csv", index=False)
    frame[200:].to_csv("v.csv", index=False)
    out = train("t.csv", "--validation", "v.csv", *options)
    predicted = load_model("fastopt-model.npz").predict(frame[["a", "b"]][200:])
    name, truth = ("accuracy", metrics.accuracy_score(y[200:], predicted)) if "hinge" in options else \
        ("RMSE", metrics.mean_squared_error(y[200:], predicted) ** 0.5)
    assert shown(out, name + (" on 100 held-out rows" if name == "accuracy" else "")) == pytest.approx(truth, abs=5.1e-5)


def test_new_values_are_said_and_have_no_column():
    pd.DataFrame({"c": ["red", "blue"] * 20, "n": np.arange(40.0) % 7, "y": [0, 1] * 20}).to_csv("t.csv", index=False)
    train("t.csv")
    pd.DataFrame({"n": [1.0, 2.0], "c": ["mauve", "red"]}).to_csv("p.csv", index=False)
    fastopt("predict", "fastopt-model.npz", "p.csv")
    assert "column 'c' has a value that the model has no column for in 1 row, the first 'mauve'" in fastopt.errors


@pytest.mark.parametrize("text, message", [
    ("n,c\ntwo,red\n", "column 'n' held numbers in training, and here 'two' in row 1"), ("m,c\n1,red\n", "lacks the column 'n'"),
    ("n,colour\n1,red\n", "lacks the column 'c'"), ("nn,c\n1,red\n", "lacks the column 'n'; did you mean 'nn'?")])
def test_a_file_that_does_not_fit_the_model(text, message):
    pd.DataFrame({"n": np.arange(40.0) % 7 + 0.5, "c": ["red", "blue"] * 20, "y": [0, 1] * 20}).to_csv("t.csv", index=False)
    train("t.csv")
    with open("p.csv", "w") as stream:
        stream.write(text)
    fastopt("predict", "fastopt-model.npz", "p.csv", code=1)
    assert message in fastopt.errors


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_few_rows(n):
    pd.DataFrame({"x": [1.0, 2.0, 3.0][:n], "y": ["a", "b", "a"][:n]}).to_csv("t.csv", index=False)
    train("t.csv", code=0 if n > 1 else 1)
    assert n > 1 or "one class only" in fastopt.errors


# -- what is saved, and what is never lost -----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [["--eta0", 1.99], ["--eta0", 9], ["--eta0", 1e30], ["--eta0", 3, "--loss", "huber"]])
def test_a_diverged_training_is_not_saved(options):
    x = RNG.normal(size=400)
    pd.DataFrame({"x": x, "y": 1e8 + 2 * x}).to_csv("t.csv", index=False)
    options = ["t.csv", "--no-scale" if "huber" not in options else "--scale", "--learning-rate", "constant", *options]
    if "huber" in options:
        pd.DataFrame({"x": x * 1e3, "y": 2 * x}).to_csv("t.csv", index=False)
        options[1] = "--no-scale"
    fastopt("train", *options, code=1)
    assert "diverged" in fastopt.errors and "nothing was saved" in fastopt.errors and os.listdir() == ["t.csv"]


def test_force_saves_a_diverged_training():
    x = RNG.normal(size=400)
    pd.DataFrame({"x": x, "y": 1e8 + 2 * x}).to_csv("t.csv", index=False)
    options = ["t.csv", "--no-scale", "--learning-rate", "constant", "--eta0", 1.99]
    out = train(*options, "--force")
    assert "diverged" in fastopt.errors and "fastopt-model.npz" in out and os.path.exists("fastopt-model.npz")


def linked(how, name):
    """Another name of the file `name`."""
    if how == "symbolic":
        os.symlink(name, "link.npz")
    elif how == "hard":
        os.link(name, "link.npz")
    return {"same": name, "dotted": os.path.join(".", ".", name), "whole": os.path.abspath(name)}.get(how, "link.npz")


@pytest.mark.parametrize("how", ["same", "dotted", "whole", "symbolic", "hard"])
def test_inputs_are_never_overwritten(how):
    np.savez("d.npz", X=RNG.normal(size=(40, 2)), y=np.arange(40) % 2)
    before, other = open("d.npz", "rb").read(), linked(how, "d.npz")
    for args in (["d.npz", "-o", other], ["d.npz", "--plot", other], ["d.npz", "--validation", "d.npz", "-o", other]):
        fastopt("train", *args, code=2)
        assert "is the same file as" in fastopt.errors and open("d.npz", "rb").read() == before
    train("d.npz", "-o", "model.npz")
    for args in (["model.npz", "d.npz", "-o", other], ["d.npz", "model.npz", "-o", other]):
        fastopt("predict", *args, code=2)
        assert "is the same file as" in fastopt.errors and open("d.npz", "rb").read() == before
    fastopt("train", "d.npz", "-o", "same.npz", "--plot", "./same.npz", code=2)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_outputs_keep_the_mode_of_the_file_that_they_replace(mode):
    pd.DataFrame({"x": [0.0, 1.0] * 9, "y": [0, 1] * 9}).to_csv("t.csv", index=False)
    for name in ("fastopt-model.npz", "fastopt-loss.png", "out.csv"):
        open(name, "w").close()
        os.chmod(name, mode)
    fastopt("train", "t.csv")
    fastopt("predict", "fastopt-model.npz", "t.csv", "-o", "out.csv")
    assert {stat.S_IMODE(os.stat(name).st_mode) for name in ("fastopt-model.npz", "fastopt-loss.png", "out.csv")} == {mode}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is full is a device of Linux")
def test_a_full_disk_leaves_no_half_file(monkeypatch):
    pd.DataFrame({"x": [0.0, 1.0] * 9, "y": [0, 1] * 9}).to_csv("t.csv", index=False)
    fastopt("train", "t.csv")
    os.symlink("/dev/full", "out.csv")
    fastopt("predict", "fastopt-model.npz", "t.csv", "-o", "out.csv", code=1)
    assert "cannot be written" in fastopt.errors

    def full(handle):
        raise OSError(28, "No space left on device")

    before = {name: open(name, "rb").read() for name in os.listdir() if name != "out.csv"}
    monkeypatch.setattr(os, "fsync", full)
    fastopt("train", "t.csv", code=1)
    assert "No space left" in fastopt.errors
    assert {name: open(name, "rb").read() for name in os.listdir() if name != "out.csv"} == before


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to one process on Windows")
def test_two_ctrl_c_leave_nothing(folder):
    pd.DataFrame({"x": RNG.normal(size=200000), "y": RNG.integers(0, 2, 200000)}).to_csv("t.csv", index=False)
    run = subprocess.Popen(command("train", "t.csv", "--epochs", 10**8, "--tol", "-inf"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, encoding="utf-8", env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"})
    assert any(line.startswith("  epoch") for line in run.stdout)
    while run.poll() is None:
        run.send_signal(signal.SIGINT)
        try:
            run.wait(0.001)
        except subprocess.TimeoutExpired:
            pass
    _, errors = run.communicate(timeout=60)
    assert run.returncode in (130, -signal.SIGINT) and not [name for name in os.listdir() if name.endswith(".part")]


@pytest.mark.parametrize("options", [[], ["--early-stopping", "--patience", 2]])
def test_whose_epoch_is_saved_is_said_and_drawn(options, monkeypatch):
    drawn = {}
    monkeypatch.setattr("fastopt._plot.plot_curves", lambda *args, **how: drawn.update(how))
    x = RNG.normal(size=(60, 8))
    pd.DataFrame(x).assign(y=(x[:, 0] + RNG.normal(size=60) > 0).astype(int)).to_csv("t.csv", index=False)
    out = fastopt("train", "t.csv", "--validation-fraction", 0.5, *options)
    model = load_model("fastopt-model.npz")[-1]
    saved = model.best_iter_ if options else model.n_iter_
    assert f"fastopt-model.npz: weights of epoch {saved}, " in out and drawn["saved_epoch"] == saved
    curve = model.validation_curve_
    assert curve[drawn["best_epoch"] - 1] == max(curve)
    assert ("scored" in out) == (f"{max(curve):.4f}" != f"{curve[saved - 1]:.4f}")
    assert figure(out, "accuracy on 30 held-out rows") == pytest.approx(curve[saved - 1], abs=5.1e-5)


def test_numbers_as_they_are_shown():
    assert [_cli_report.number(v) for v in (0.5, 1e-5, 0, 12345.6, 1e10, NAN, None)] == \
        ["0.5000", "1e-05", "0.0000", "12,346", "1e+10", "–", "–"]
