"""The command, by kind: what is shown is true of the saved model, what is not to be trusted is not saved, nothing is lost."""
import contextlib
import os
import signal
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

from sklearn import metrics

from command import ENVIRONMENT, command, fastopt, figure, train
from fastopt._cli.report import number
from fastopt._models import load_model

pytestmark = pytest.mark.usefixtures("folder")
NAN = float("nan")
RNG = np.random.default_rng(0)


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
    ("n,colour\n1,red\n", "lacks the column 'c'"), ("nn,c\n1,red\n", "lacks the column 'n': did you mean 'nn'?")])
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
    before, other = Path("d.npz").read_bytes(), linked(how, "d.npz")
    for args in (["d.npz", "-o", other], ["d.npz", "--plot", other], ["d.npz", "--validation", "d.npz", "-o", other]):
        fastopt("train", *args, code=2)
        assert "is the same file as" in fastopt.errors and Path("d.npz").read_bytes() == before
    train("d.npz", "-o", "model.npz")
    for args in (["model.npz", "d.npz", "-o", other], ["d.npz", "model.npz", "-o", other]):
        fastopt("predict", *args, code=2)
        assert "is the same file as" in fastopt.errors and Path("d.npz").read_bytes() == before
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

    before = {name: Path(name).read_bytes() for name in os.listdir() if name != "out.csv"}
    monkeypatch.setattr(os, "fsync", full)
    fastopt("train", "t.csv", code=1)
    assert "No space left" in fastopt.errors
    assert {name: Path(name).read_bytes() for name in os.listdir() if name != "out.csv"} == before


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to one process on Windows")
def test_two_ctrl_c_leave_nothing(folder):
    pd.DataFrame({"x": RNG.normal(size=200000), "y": RNG.integers(0, 2, 200000)}).to_csv("t.csv", index=False)
    run = subprocess.Popen(command("train", "t.csv", "--epochs", 10**8, "--tol", "-inf"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, encoding="utf-8", env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"})
    assert any(line.startswith("  epoch") for line in run.stdout)
    while run.poll() is None:
        run.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(0.001)
    _, errors = run.communicate(timeout=60)
    assert run.returncode in (130, -signal.SIGINT) and not [name for name in os.listdir() if name.endswith(".part")]


@pytest.mark.parametrize("options", [[], ["--early-stopping", "--patience", 2]])
def test_whose_epoch_is_saved_is_said_and_drawn(options, monkeypatch):
    drawn = {}
    monkeypatch.setattr("fastopt._common.plot.plot_curves", lambda *args, **how: drawn.update(how))
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
    assert [number(v) for v in (0.5, 1e-5, 0, 12345.6, 1e10, NAN, None)] == \
        ["0.5000", "1e-05", "0.0000", "12,346", "1e+10", "–", "–"]
