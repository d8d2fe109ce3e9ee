"""The command: training, comparing and predicting on small files, what it prints, and how it fails."""
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

from command import ENVIRONMENT, command, fastopt, figure, invoke
from fastopt import losses
from fastopt._models import load_model
from fastopt.linear_model import SGDClassifier

RNG = np.random.RandomState(0)
N = 300
AGE, SIZE, COLOUR = RNG.uniform(20, 80, N).round(1), RNG.lognormal(8, 2, N), RNG.choice(["red", "green", "blue"], N)
CLASS = np.where((AGE > 50) ^ (COLOUR == "red") & (AGE > 45), "old", "young")
PRICE = 3000 * AGE + 20000 * (COLOUR == "red") + RNG.randn(N) * 500 + 1e5


@pytest.fixture
def folder(folder):
    """The current directory, with people.csv (classes) and prices.csv (numbers) in it."""
    frame = pd.DataFrame({"age": AGE, "size": SIZE, "colour": COLOUR})
    frame.loc[::17, "size"] = np.nan
    frame.loc[::23, "colour"] = None
    frame.assign(target=CLASS).to_csv("people.csv", index=False)
    frame.assign(price=PRICE).to_csv("prices.csv", index=False)
    return folder


def test_without_data_it_trains_on_digits_beside_scikit_learn(folder):
    out = fastopt("train")
    assert "1,797 rows × 64 columns, 10 classes" in out and "scikit-learn 1." in out and "faster by" in out
    assert figure(out, "accuracy on 180 held-out rows") > 0.93
    assert sorted(p.name for p in folder.iterdir()) == ["fastopt-loss.png", "fastopt-model.npz", "people.csv", "prices.csv"]
    assert (folder / "fastopt-loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_with_gaps_and_strings(folder):
    out = fastopt("train", "people.csv")
    assert "2 classes" in out and "made into 6 float32 columns" in out and figure(out, "accuracy on 30 held-out rows") > 0.8
    assert re.search(r"^  epoch +1/100  loss +\d", out, re.M) and "samples/s" in out and "scikit-learn" not in out
    said = fastopt("predict", "fastopt-model.npz", "people.csv").split()
    assert np.mean(np.array(said) == CLASS) > 0.85 and re.search(r"300 predictions; accuracy 0\.\d+", fastopt.errors)


def test_a_regression_in_its_own_units(folder):
    out = fastopt("train", "prices.csv", "--target", "price", "--compare")
    assert "a number to predict" in out and figure(out, "R² on 30 held-out rows") > 0.95
    fastopt("predict", "fastopt-model.npz", "prices.csv", "-o", "out.csv")
    said = pd.read_csv("out.csv")["prediction"]
    assert np.abs(said - PRICE).mean() < 8000 and "R² 0.9" in fastopt.errors


def test_predict_is_the_estimators_predict(folder):
    fastopt("train", "people.csv")
    model, frame = load_model("fastopt-model.npz"), pd.read_csv("people.csv").drop(columns="target")
    fastopt("predict", "fastopt-model.npz", "people.csv", "--proba", "-o", "out.tsv")
    out = pd.read_csv("out.tsv", sep="\t")
    np.testing.assert_array_equal(out["prediction"], model.predict(frame))
    np.testing.assert_array_equal(out[["p(old)", "p(young)"]].astype(np.float32), model.predict_proba(frame))
    fastopt("predict", "fastopt-model.npz", "people.csv", "--proba", "-o", "out.npz")
    with np.load("out.npz") as saved:
        np.testing.assert_array_equal(saved["y"], out["prediction"])
    frame.to_csv("no-target.csv", index=False)
    assert fastopt("predict", "fastopt-model.npz", "no-target.csv", "--quiet").split() == out["prediction"].tolist()


@pytest.mark.parametrize("options", [
    ["--task", "regression", "--target", "age"], ["--loss", "hinge", "--penalty", "l1", "--alpha", "0.001"],
    ["--penalty", "elasticnet", "--l1-ratio", "0.5"], ["--penalty", "none", "--learning-rate", "optimal", "--alpha", "1e-4"],
    ["--learning-rate", "invscaling", "--eta0", "0.1", "--power-t", "0.5"], ["--learning-rate", "constant", "--average"],
    ["--learning-rate", "pa1", "--loss", "hinge"], ["--early-stopping", "--patience", "2", "--validation-fraction", "0.3"],
    ["--validation", "people.csv"], ["--validation-fraction", "0"], ["--class-weight", "balanced"],
    ["--class-weight", "old=2,young=1.5"], ["--dtype", "float64", "--seed", "3"], ["--no-scale", "--no-plot"],
    ["--threads", "1", "--epochs", "3", "--tol", "-inf"], ["--target", "size", "--loss", "huber", "--epsilon", "0.5"],
    ["--target", "colour"], ["--header"], ["--output", "m.npz", "--plot", "p.svg"], ["--compare", "--early-stopping"],
])
@pytest.mark.repeats(4)
def test_options(folder, options):
    frame = pd.read_csv("people.csv").fillna({"size": 1.0, "colour": "red"})
    frame.to_csv("people.csv", index=False)
    out = fastopt("train", "people.csv", "--max-iter", 5, *options)
    model = "m.npz" if "m.npz" in options else "fastopt-model.npz"
    assert model in out and len(fastopt("predict", model, "people.csv").split()) == N


def test_epochs_and_seed_are_obeyed(folder):
    def epochs(*options):
        return int(figure(fastopt("train", "people.csv", "--tol", "-inf", *options), "epochs"))

    assert epochs("--epochs", 7) == 7
    first = load_model("fastopt-model.npz")[-1].coef_
    epochs("--epochs", 7)
    np.testing.assert_array_equal(first, load_model("fastopt-model.npz")[-1].coef_)
    epochs("--epochs", 7, "--seed", 1)
    assert (first != load_model("fastopt-model.npz")[-1].coef_).any()


def test_early_stopping_keeps_the_best_epoch(folder):
    out = fastopt("train", "people.csv", "--early-stopping", "--validation-fraction", 0.3, "--patience", 2)
    scores = [float(s) for s in re.findall(r"accuracy (0\.\d+|1\.0000)  ", out)]
    assert figure(out, "accuracy on 90 held-out rows") >= max(scores) - 1e-4


@pytest.mark.parametrize("loss, below", [("quantile:quantile=0.9", 0.9), ("quantile:quantile=0.2", 0.2)])
def test_a_loss_with_a_parameter_is_learnt_and_saved(folder, loss, below):
    out = fastopt("train", "prices.csv", "--loss", loss, "--max-iter", 300, "--tol", 1e-5)
    assert f"quantile({loss.split(':')[1]})" in out
    said = fastopt("predict", "fastopt-model.npz", "prices.csv", "--quiet").split()
    assert np.mean(np.array(said, dtype=float) > PRICE) == pytest.approx(below, abs=0.08)


@pytest.mark.parametrize("loss", losses.available("several classes"), ids=lambda loss: loss.name)
@pytest.mark.parametrize("target, n", [("target", 2), ("colour", 3)])
@pytest.mark.repeats(2)
def test_losses_of_all_classes_are_learnt_saved_and_scored(folder, loss, target, n):
    frame = pd.read_csv("people.csv").dropna()
    frame["age"] += 100 * (frame["colour"] == "red") - 100 * (frame["colour"] == "blue")
    frame.to_csv("people.csv", index=False)
    out = fastopt("train", "people.csv", "--target", target, "--loss", loss.name, "--dtype", "float64", "--validation", "people.csv")
    assert f"SGDClassifier: {loss.name}, " in out
    model, X = load_model("fastopt-model.npz"), frame.drop(columns=target)
    assert model[-1].coef_.shape[0] == n and model.score(X, frame[target]) > 0.8
    p = model[0].transform(X) @ model[-1].coef_.T + model[-1].intercept_
    shown = figure(out, "log loss" if loss.name == "multinomial" else f"{loss.name} on the same rows")
    assert shown == pytest.approx(losses.get(loss.name).value(np.searchsorted(model.classes_, frame[target]), p), abs=6e-5)
    if loss.smooth:
        fastopt("predict", "fastopt-model.npz", "people.csv", "--proba", "-o", "out.csv", "--quiet")
        np.testing.assert_array_equal(pd.read_csv("out.csv").iloc[:, 1:], model.predict_proba(X))
    else:
        fastopt("predict", "fastopt-model.npz", "people.csv", "--proba", code=2)


def test_every_loss_of_the_estimators_is_known(folder):
    fastopt("train", "people.csv", "--loss", "zzz", code=2)
    listed = fastopt.errors.rstrip().split("known: ")[1].split(", ")
    assert set(losses.names(couples_outputs=True)) & set(listed) == {loss.name for loss in losses.available("several classes")}
    for name in listed:
        SGDClassifier(loss=name, learning_rate="constant").fit([[0.0], [1.0]], [0, 1])
    out = fastopt("train", "people.csv", "--loss", "softmax_focal:gamma=1")
    assert "SGDClassifier: softmax_focal(gamma=1, alpha=1)" in out


def test_counts(folder):
    counts = np.random.RandomState(0).poisson(np.exp(1 + AGE / 40))
    pd.DataFrame({"age": AGE, "colour": COLOUR, "target": counts}).to_csv("counts.csv", index=False)
    out = fastopt("train", "counts.csv", "--loss", "poisson", "--task", "regression")
    assert figure(out, "R² on 30 held-out rows") > 0.2
    assert min(map(float, fastopt("predict", "fastopt-model.npz", "counts.csv", "--quiet").split())) > 0


def test_quiet(folder):
    assert fastopt("train", "people.csv", "--quiet") == "" and (folder / "fastopt-model.npz").exists()


@pytest.mark.parametrize("args, code, message", [
    (["train", "poeple.csv"], 2, "no such file: poeple.csv: did you mean 'people.csv'?"),
    (["train", "people.csv", "--target", "colr"], 2, "no column 'colr': did you mean 'colour'?"),
    (["train", "people.csv", "--loss", "hubber", "--target", "age"], 2, "unknown loss 'hubber': did you mean 'huber'?"),
    (["train", "prices.csv", "--target", "price", "--loss", "hinge"], 2, "loss 'hinge' is for classification"),
    (["train", "people.csv", "--loss", "softmax_foca"], 2, "unknown loss 'softmax_foca': did you mean 'softmax_focal'?"),
    (["train", "prices.csv", "--target", "price", "--loss", "sparsemax"], 2, "loss 'sparsemax' is for classification"),
    (["train", "prices.csv", "--target", "price", "--loss", "quantile_levels"], 2, "loss 'quantile_levels' predicts several numbers for a row"),
    (["train", "people.csv", "--penalty", "l3"], 2, "unknown penalty 'l3'"),
    (["train", "people.csv", "--learning-rate", "adaptiv"], 2, "did you mean 'adaptive'?"),
    (["train", "people.csv", "--dtype", "float16"], 2, "did you mean 'float"),
    (["train", "people.csv", "--task", "regression"], 2, "holds strings"),
    (["train", "people.csv", "--class-weight", "yung=2"], 2, "did you mean 'young'?"),
    (["train", "people.csv", "--class-weight", "old=a"], 2, "'a' is not a number"),
    (["train", "people.csv", "--output", "model.pkl"], 2, "call it model.npz"),
    (["train", "people.csv", "--output", "none/model.npz"], 2, "no folder none"),
    (["train", "people.csv", "--early-stopping", "--validation-fraction", "0"], 2, "needs rows to score on"),
    (["train", "people.csv", "--loss", "poisson"], 2, "loss 'poisson' is for regression"),
    (["train", "people.csv", "--learning-rate", "pa1"], 2, "must be 'hinge' with learning_rate='pa1'"),
    (["train", "prices.csv", "--loss", "quantile:quantil=0.9"], 2, "as in quantile:quantile=0.9"),
    (["train", "prices.csv", "--loss", "quantile:quantile=9"], 2, "quantile must be"),
    (["train", "prices.csv", "--no-scale", "--learning-rate", "constant", "--eta0", "9"], 1, "training diverged: Floating-point"),
    (["train", "one.csv"], 1, "one class only, 'a'"), (["train", "gaps.csv"], 1, "2 missing values, the first in row 2"),
    (["train", "empty.csv"], 1, "empty"), (["train", "inf.csv"], 1, "column 'a' has an infinite value in row 3"),
    (["train", "."], 2, "is a folder"), (["predict", "none.npz", "people.csv"], 2, "no such model"),
    (["predict", "bad.npz", "people.csv"], 1, "not a usable fastopt model"),
    (["predict", "bad.npz", "people.csv", "-o", "x.doc"], 2, "ends in .csv"),
])
def test_errors_are_one_line(folder, args, code, message):
    (folder / "one.csv").write_text("a,target\n1,a\n2,a\n3,a\n")
    (folder / "gaps.csv").write_text("a,target\n1,a\n2,\n3,\n4,b\n")
    (folder / "inf.csv").write_text("a,target\n1,a\n2,b\ninf,a\n3,b\n1,a\n2,b\n3,a\n3,b\n1,a\n2,b\n")
    (folder / "empty.csv").write_text("")
    (folder / "bad.npz").write_bytes(b"PK")
    fastopt(*args, code=code)
    assert message in fastopt.errors and fastopt.errors.startswith("fastopt: error: ") and fastopt.errors.count("\n") == 1


def test_debug_shows_the_traceback(folder):
    result = invoke("train", "none.csv", "--debug")
    assert "Traceback" in result.stderr and "error: no such file: none.csv" in result.stderr


def test_predicting_on_the_wrong_file(folder):
    fastopt("train", "people.csv", "--loss", "hinge")
    (folder / "other.csv").write_text("age,size\n1,2\n")
    fastopt("predict", "fastopt-model.npz", "other.csv", code=1)
    assert "lacks the column 'colour'" in fastopt.errors
    fastopt("predict", "fastopt-model.npz", "people.csv", "--proba", code=2)
    assert "no probabilities" in fastopt.errors


def test_help_and_version():
    out = fastopt("--help")
    assert "fastopt train houses.csv --target price" in out and "predict" in out
    assert all(word in fastopt("train", "--help") for word in ("--early-stopping", "--compare", "--class-weight"))
    assert fastopt("--version").startswith("fastopt ")


# -- in a process of its own -------------------------------------------------------------------------------------------


def test_python_m_fastopt(folder):
    done = subprocess.run(command("train", "people.csv"), capture_output=True, text=True, encoding="utf-8", env=ENVIRONMENT)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "epoch   1/100" in done.stdout and "\x1b" not in done.stdout and "\r" not in done.stdout
    wrong = subprocess.run(command("train", "--lss", "3"), capture_output=True, text=True, env=ENVIRONMENT)
    assert wrong.returncode == 2 and wrong.stderr.startswith("fastopt: error: No such option: --lss")
    assert wrong.stderr.count("\n") == 1


def test_a_plain_terminal_encoding(folder):
    plain = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command("train", "people.csv"), capture_output=True, env=plain)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and done.stdout.isascii()


def test_without_typer_it_says_what_to_install(folder):
    (folder / "typer.py").write_text("raise ImportError('no typer here', name='typer')\n")
    code = "import sys; sys.path.insert(0, '.'); sys.argv = ['fastopt']; import fastopt.__main__ as m; m.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith('fastopt: the command needs typer: pip install "fastopt[cli]" (') and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to one process on Windows")
def test_ctrl_c_keeps_what_is_learnt(folder):
    run = subprocess.Popen(command("train", "people.csv", "--epochs", 10**8, "--tol", "-inf"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, encoding="utf-8", env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"})
    assert any(line.startswith("  epoch") for line in run.stdout)
    run.send_signal(signal.SIGINT)
    out, errors = run.communicate(timeout=60)
    assert run.returncode == 130 and "Traceback" not in errors and "stopped by Ctrl-C after epoch" in errors
    assert "fastopt-model.npz" in out and len(fastopt("predict", "fastopt-model.npz", "people.csv").split()) == N
