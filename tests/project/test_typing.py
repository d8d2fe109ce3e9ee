"""What a type checker sees: a program that uses the public interface passes mypy --strict, and wrong calls do not."""
import re
import sys
import textwrap
from pathlib import Path

import pytest

import fastopt as fo

RIGHT = """
import numpy as np
import numpy.typing as npt

import fastopt as fo
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastopt.neural_network import MLPClassifier

fo.set_num_threads(2)
fo.set_num_threads(None)
fo.set_isa(fo.available_isas()[0])
folder: str = fo.get_include()
n: int = fo.get_num_threads()
version: str = fo.__version__
fo.show_config()
facts: dict[str, dict[str, object]] = {**fo.show_config(mode="dicts")}

y, p = np.zeros(3), np.ones(3)
huber = fo.losses.Huber(delta=1.35)
delta: float = huber.delta
loss: fo.losses.Loss = fo.losses.get("log_loss")
value: float = loss.value(y, p, sample_weight=[1, 2, 3])
gradient: npt.NDArray[np.float64] = loss.gradient(y, p, out=np.empty(3))
value, gradient = loss.value_and_gradient(y, p)
total: float = loss.pointwise(y, p).sum() + loss.predict(p).max()
ctc: fo.losses.CTC = fo.losses.CTC(blank=1)
labels: list[npt.NDArray[np.int64]] = ctc.decode(np.zeros((3, 1, 2)))
found_labels, scores = ctc.decode(np.zeros((3, 1, 2)), beam=4, return_scores=True)
sure: np.float64 = scores[0]
policy: fo.losses.PolicyGradient = fo.losses.PolicyGradient(0.01)
in_scores: npt.NDArray[np.float64] = policy.gradient([0], [[0.0, 1.0]], [1.0])
in_mean, in_log_std = fo.losses.PPOClip(policy="gaussian").gradient([[0.0]], ([[0.0]], [0.0]), [1.0], [0.0])
slopes: npt.NDArray[np.float64] = in_mean + in_log_std

decay: fo.schedules.Schedule = fo.schedules.ExponentialDecay(1e-2, decay_rate=0.96, decay_steps=100)
rate: float = fo.schedules.Warmup(decay, 10)(5) + fo.schedules.ReduceOnPlateau(0.1).update(2.0)
rates: npt.NDArray[np.float64] = fo.schedules.as_schedule(lambda t: 1 / (1 + t)).block(0, 3)
resumed: fo.schedules.Schedule = fo.schedules.from_state_dict(decay.state_dict())
size: int = fo.batching.as_batching(fo.batching.Growing(32, max_size=256)).size(3)

found = fo.minimize(lambda x: (x @ x, 2 * x), [1.0, 2.0], method="lbfgs", jac=True, options={"gtol": 1e-8})
means = fo.minimize_stochastic(lambda w, idx: (w @ w, 2 * w), np.zeros(2), 100, 10, "saga", random_state=0)
method = fo.scipy_method("adam")

X = np.zeros((3, 2))
classifier = SGDClassifier(loss="log_loss", penalty="elasticnet", average=True, n_jobs=2)
fitted: SGDClassifier = classifier.fit(X, [0, 1, 1], sample_weight=y, eval_set=(X, [0, 1, 1]))
curve: list[float] = fitted.partial_fit(X, [0, 1, 1]).loss_curve_
score: float = SGDRegressor(loss=huber, learning_rate="adaptive").fit(X, y).score(X, y)
outside = SGDOneClassSVM(nu=0.1).fit(X).decision_function(X)
another: SGDRegressor = fo.linear_model.SGDRegressor()
perceptron: MLPClassifier = MLPClassifier((8, 4), activation=["tanh", "relu"], optimizer="adamw").fit(X, [0, 1, 1], eval_set=(X, [0, 1, 1]))
layers: list[npt.NDArray[np.float64]] = perceptron.partial_fit(X, [0, 1, 1]).coefs_
numbers = fo.neural_network.MLPRegressor(loss=huber, n_iter_no_change=float("inf")).fit(X, y).predict(X)
"""
WRONG = """
import fastopt as fo
from fastopt.linear_model import SGDClassifier

fo.set_num_threads("two")
fo.set_isa(512)
n: str = fo.get_num_threads()
fo.show_config(mode="json")
fo.no_such_thing
fo.losses.Huber("a")
fo.minimize(3, [1.0])
fo.minimize_stochastic(len, [1.0])
fo.losses.Huber().values
fo.schedules.Cosine("a", 5)
fo.schedules.Constant(0.1)("a")
fo.batching.Fixed(8).size()
SGDClassifier(loss=3)
SGDClassifier(los="hinge")
SGDClassifier().fit([[0]], [0], sample_weigt=None)
"""


@pytest.fixture
def mypy(run_python, tmp_path):
    def check(program):
        (tmp_path / "user.py").write_text(textwrap.dedent(program).lstrip(), encoding="utf-8")
        site = Path(fo.__file__).resolve().parents[1]
        where = {} if any(site == Path(entry).resolve() and "site-packages" in entry for entry in sys.path) else {
            "MYPYPATH": str(site)}
        return run_python(["-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"),
                           "user.py"], check=False, timeout=300, PYTHONPATH="", **where)
    return check


@pytest.mark.slow
def test_public_interface_passes(mypy):
    output = mypy(RIGHT)
    assert output.startswith("Success: no issues found"), output


@pytest.mark.slow
def test_wrong_calls_are_found(mypy):
    output = mypy(WRONG)
    lines = WRONG.strip().split("\n")
    found = {int(number) for number in re.findall(r"^user.py:(\d+): error", output, re.M)}
    assert found == set(range(lines.index("") + 2, len(lines) + 1)), output
