"""Arrays between unreadable pages: some hundred seeds of the fuzzer, and kernels at each size; .ci/sanitize runs more for longer."""
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="mprotect is POSIX")
FUZZ = Path(__file__).parents[1] / "support" / "fuzz.py"


def test_no_seed_crashes(run_python):
    printed = run_python([FUZZ, "--first", 0, "--count", 60], check=False, timeout=600)
    assert re.search(r"60 cases, .* faults in seeds \[\]$", printed.strip().splitlines()[-1]), printed


def test_a_process_that_dies_is_told_by_its_seed(run_python, tmp_path):
    """The fuzzer itself: a call that reads past a page."""
    program = (f"import sys; sys.path.insert(0, {str(FUZZ.parent)!r}); import ctypes, numpy as np; from guarded import guarded\n"
               "a = guarded(np.ones(5))\nprint(a.sum(), flush=True)\nctypes.c_double.from_address(a.ctypes.data + 40).value\nprint('alive')")
    printed = run_python(program, check=False)
    assert printed.startswith("5.0") and "alive" not in printed


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_at_each_size(isa, dtype):
    """Values, gradients, objectives and products of every size up to three vectors, with the last element before the page, or the first behind."""
    guarded = pytest.importorskip("guarded").guarded
    rng = np.random.default_rng(0)
    for size in range(1, 49):
        for at_end in (True, False):
            y, p, ones = (guarded(values.astype(dtype), at_end=at_end, writable=False)
                          for values in (rng.random(size) + 0.1, rng.normal(size=size), np.ones(size)))
            out = guarded(np.zeros(size, dtype), at_end=at_end)
            for name in losses.names():
                loss = losses.get(name)
                loss.value_and_gradient(ones if loss.target in ("sign", "unit") else y, p, None, out)
            for shape in ((3, size), (size, 3)):
                X = guarded(rng.normal(size=shape).astype(dtype), at_end=at_end, writable=False)
                objective = fo.LinearObjective(X, np.ones(shape[0]), "squared_error", n_threads=1)
                w = guarded(rng.normal(size=shape[1]), at_end=at_end, writable=False)
                want = X.astype(np.float64) @ w - 1
                np.testing.assert_allclose(objective.value(w), want @ want / 2 / shape[0], rtol=1e-4)
                np.testing.assert_allclose(objective.hessp(w, w), X.T.astype(np.float64) @ (X @ w) / shape[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_each_size(isa, dtype):
    """Losses of rows at every number of outputs up to two vectors: values, gradients, and products of an objective of one column."""
    guarded = pytest.importorskip("guarded").guarded
    rng = np.random.default_rng(0)
    apart = [losses.Dice(), losses.Dice(squared=True), losses.Tversky(), losses.MultilabelCrossEntropy()]
    for k in range(1, 34):
        shares = rng.random((3, k)) + 0.1
        targets = {"class": rng.integers(0, k, 3), "real": rng.normal(size=3), "shares": shares / shares.sum(axis=1, keepdims=True),
                   "amounts": shares, "unit": np.ones((3, k)), "sign": np.ones((3, k))}
        for at_end in (True, False):
            p, X = (guarded(values.astype(dtype), at_end=at_end, writable=False) for values in (rng.normal(size=(3, k)), np.ones((3, 1))))
            out = guarded(np.zeros((3, k), dtype), at_end=at_end)
            for name in losses.names(couples_outputs=True):
                loss = losses.get(name, **({"n_levels": k} if name == "quantile_levels" else {}))
                y = guarded(targets[loss.target].astype(dtype), at_end=at_end, writable=False)
                loss.value_and_gradient(y, p, None, out, reduction="none")
                objective = fo.LinearObjective(X, y, loss, n_threads=1)
                w = np.zeros(objective.n_params)
                objective.value_and_gradient(w), objective.hessp(w, w)
            for loss in apart:
                y = guarded(targets[loss.target].astype(dtype), at_end=at_end, writable=False)
                loss.value_and_gradient(y, p, None, out, reduction="none")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sequences_of_each_size(isa, dtype):
    guarded = pytest.importorskip("guarded").guarded
    rng, loss = np.random.default_rng(0), losses.CTC()
    for classes in (2, 3, 7, 8, 16, 17, 33):
        for length in (0, 1, 6, 7, 14, 15, 31):
            for at_end in (True, False):
                p = guarded(rng.normal(size=(40, 2, classes)).astype(dtype), at_end=at_end, writable=False)
                y = guarded(rng.integers(1, classes, (2, length)), at_end=at_end, writable=False)
                out = guarded(np.zeros(p.shape, dtype), at_end=at_end)
                loss.value_and_gradient(y, p, [40, 33], out=out)
                loss.decode(p, beam=3)
                loss.decode(p)
                cells = guarded(rng.normal(size=(2, 5, length + 1, classes)).astype(dtype), at_end=at_end, writable=False)
                losses.Transducer().value_and_gradient(y, cells, [5, 3], out=guarded(np.zeros(cells.shape, dtype), at_end=at_end))
                losses.Transducer().value(y, cells)
                for tokens in (p[:length] if length else p[:1], p):
                    said = guarded(rng.integers(0, classes, tokens.shape[:2]), at_end=at_end, writable=False)
                    losses.SequenceCrossEntropy(0.1).value_and_gradient(said, tokens)
                    losses.SequenceCrossEntropy().value(said, tokens, np.full(len(tokens), 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_of_each_size(isa, dtype):
    guarded = pytest.importorskip("guarded").guarded
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 16, 33):
        for k in (1, 2, 3, 7, 8, 16, 17, 33):
            for at_end in (True, False):
                p, q, r = (guarded(rng.normal(size=(n, k)).astype(dtype), at_end=at_end, writable=False) for _ in range(3))
                one, two, three = (guarded(rng.random(n).astype(dtype), at_end=at_end, writable=False) for _ in range(3))
                actions = guarded(rng.integers(0, k, n).astype(dtype), at_end=at_end, writable=False)
                for spread in (r, guarded(np.zeros(k, dtype), at_end=at_end, writable=False)):
                    losses.PPOClip(0.2, 0.1, policy="gaussian").value_and_gradient(p, (q, spread), one, two, three)
                    losses.PolicyGradient(policy="gaussian").value(p, (q, spread), one)
                losses.PPOClip(0.2, 0.1).value_and_gradient(actions, p, one, two, three)
                losses.PPOClip().log_probabilities(actions, p)
                losses.ValueFunction(clip=0.1).value_and_gradient(one, two, three, one)
                losses.DQN().value_and_gradient(actions, p, one, np.zeros(n, dtype), q, r, three)
                losses.returns(p, ends=np.zeros((n, k), dtype), bootstrap=q[0])
                losses.advantages(p, q, ends=np.zeros((n, k), dtype), bootstrap=r[0])
                if k > 1:
                    losses.SelfCritical().value_and_gradient(p, q, one, sample_weight=two)
                losses.MinimumRisk().value_and_gradient(p, q, np.ones((n, k), bool))
