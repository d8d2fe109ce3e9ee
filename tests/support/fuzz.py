"""Random calls of all public callables, on arrays between unreadable pages: any sizes, orders, strides, read-only, unaligned, sparse ones that
may contradict themselves.  Nothing may crash, and errors are those of bad input.

    python tests/support/fuzz.py --seconds 600            random seeds; prints how many calls of what were made and refused
    python tests/support/fuzz.py --first 1000 --count 50  these seeds
    python tests/support/fuzz.py --only 1017              one of them, in this process, for a debugger

Used by tests/project/test_fuzz.py for some seconds and by .ci/sanitize for longer.  A case is its seed: nothing else makes it.
"""
import argparse
import collections
import faulthandler
import inspect
import os
import random
import subprocess
import sys
import time
import traceback
import warnings

import numpy as np
import scipy.sparse as sp

import fastopt as fo
from fastopt import linear_model, losses, optimizers, penalties, schedules
from fastopt._core import load as _load
from fastopt.exceptions import DivergenceError
from guarded import guarded

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 129, 257]
LAYOUTS = ["C", "F", "strided", "reversed", "unaligned"]
#: what is no fault of ours
REFUSED = (ValueError, TypeError, DivergenceError, FloatingPointError)
#: values of parameters, by name; those that are not here keep their defaults
SOLVERS = ["auto", "lbfgs", "newton-cholesky", "newton-cg", "preconditioned-cg", "fista", "cd", "sdca", "sag", "saga", "svrg", "katyusha"]
VALUES = {
    "alpha": [0.0, 1e-4, 0.1, 1.0, 100.0], "C": [1e-3, 1.0, 100.0], "l1_ratio": [0.0, 0.3, 1.0], "fit_intercept": [True, False],
    "max_iter": [1, 2, 5, 20], "tol": [1e-1, 1e-4, 1e-8], "solver": SOLVERS, "n_jobs": [None, 1, 2, 3], "random_state": [0, 1],
    "penalty": ["l2", "l1", "elasticnet", None], "warm_start": [True, False], "class_weight": [None, "balanced"], "positive": [True, False],
    "standardize": [True, False], "epsilon": [0.0, 0.1, 1.35], "quantile": [0.1, 0.5], "power": [0, 1, 1.5, 2], "alphas": [[0.1, 1.0], 3],
    "Cs": [2, [0.1, 1.0]], "cv": [None, 2, 3], "dual": [True, False], "precompute": [True, False], "intercept_scaling": [1.0, 10.0],
    "shuffle": [True, False], "average": [False, True, 3], "learning_rate": ["constant", "optimal", "invscaling", "adaptive", "pa1"],
    "eta0": [1e-4, 0.01], "early_stopping": [True, False], "restore_best": [True, False], "batch_size": [None, 1, 3, 16, 1000],
    "optimizer": [None, "auto", *optimizers.names()], "clip_norm": [None, 0.5], "multi_class": ["ovr", "multinomial"],
    "parallel": [None, "hogwild"], "nu": [0.1, 0.5], "scoring": [None], "link": ["auto", "log"],
}
if os.environ.get("FUZZ_WITHOUT") == "hogwild":   # whose races are its idea
    VALUES["parallel"] = [None]
ROWS = losses.names(couples_outputs=True)
LOSSES = [*losses.names(), *ROWS]
CLASSES = [name for name in ROWS if losses.get(name).target == "class"]


class Draw:
    """Choices of a case."""

    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.rng = np.random.default_rng(seed)

    def one(self, values):
        return values[self.pick.randrange(len(values))]

    def chance(self, p):
        return self.pick.random() < p

    def numbers(self, shape, dtype):
        """Of everyday size as a rule, now and then extreme."""
        values = self.rng.normal(size=shape)
        if self.chance(0.1):
            values *= self.one([1e-30, 1e30, 1e150, 1e-150])
        if self.chance(0.2):
            values += self.one([1e3, 1e6])
        if self.chance(0.1) and values.size:
            values.flat[self.pick.randrange(values.size)] = self.one([np.nan, np.inf, -np.inf, 1e308])
        if np.issubdtype(dtype, np.integer):
            values = np.clip(np.nan_to_num(values), 0, 100)
        with np.errstate(all="ignore"):
            return values.astype(dtype)

    def array(self, values):
        return guarded(values, self.one(LAYOUTS), self.chance(0.7), self.chance(0.7))

    def X(self, n, d, dtypes=(np.float64, np.float32)):
        values = self.numbers((n, d), self.one(list(dtypes)))
        kind = self.one(["dense", "dense", "csr", "csr", "csc", "other"])
        if kind == "dense":
            return self.array(values)
        if values.dtype not in (np.float64, np.float32):
            values = values.astype(np.float32)
        values[self.rng.random((n, d)) < self.one([0.2, 0.7, 0.97])] = 0
        if kind == "other":
            return sp.coo_matrix(values).asformat(self.one(["coo", "bsr", "dia", "lil", "dok"]))
        return self.compressed(sp.csr_matrix(values) if kind == "csr" else sp.csc_matrix(values))

    def compressed(self, X):
        """CSR or CSC: duplicates, any order, 32 or 64 bits, and contradictions."""
        if self.chance(0.2):
            X = type(X)((np.repeat(X.data, 2), np.repeat(X.indices, 2), X.indptr * 2), shape=X.shape)
        data, indices, indptr = X.data.copy(), X.indices.copy(), X.indptr.copy()
        if self.chance(0.2):
            for a, b in zip(indptr, indptr[1:]):
                self.rng.shuffle(indices[a:b])
        index = self.one([np.int32, np.int64])
        arrays = {"data": data, "indices": indices.astype(index), "indptr": indptr.astype(index)}
        if self.chance(0.15):
            name = self.one(list(arrays))
            array = arrays[name]
            if self.chance(0.3):
                arrays[name] = array[:self.pick.randrange(len(array) + 1)]
            elif len(array):
                array[self.pick.randrange(len(array))] = self.one([-1, 0, 1, 7, 10 ** 5, 2 ** 31 - 1, -2 ** 31])
        for name, array in arrays.items():
            setattr(X, name, guarded(array, "C", self.chance(0.7), self.chance(0.7)))
        return X

    def params(self, thing, share=0.4):
        """Some of a callable's parameters."""
        known = [name for name in inspect.signature(thing).parameters if name in VALUES]
        return {name: self.one(VALUES[name]) for name in known if name in ("max_iter", "random_state") or self.chance(share)}


# ---- what is called ----
def estimators(draw):
    """An estimator's fit, and all else it can do."""
    name = draw.one([name for name in linear_model.__all__ if inspect.isclass(getattr(linear_model, name))])
    cls = getattr(linear_model, name)
    params = draw.params(cls, draw.one([0.0, 0.2, 0.5]))
    if name in ("SGDClassifier", "SGDRegressor") and draw.chance(0.5):
        params["loss"] = draw.one(LOSSES)
    if name == "GeneralizedLinearEstimator":
        params |= {"loss": draw.one(LOSSES), "penalty": draw.one([None, *penalties.names()])}
    n, d, k = draw.one(SIZES), draw.one(SIZES), draw.one([1, 2, 3, 5])
    model = cls(**params)
    X, y, weight = draw.X(n, d), target(draw, n, k, hasattr(cls, "decision_function")), None
    if draw.chance(0.4):
        weight = draw.array(draw.rng.integers(0, 3, n).astype(draw.one([np.float64, np.float32])))
    yield f"{name}.fit", lambda: model.fit(X, y, sample_weight=weight)
    if hasattr(cls, "partial_fit"):
        more = {"classes": np.unique(np.asarray(y))} if "classes" in inspect.signature(cls.partial_fit).parameters else {}
        yield f"{name}.partial_fit", lambda: model.partial_fit(X, y, sample_weight=weight, **more)
    other = draw.X(draw.one(SIZES), d)
    for method in ("predict", "decision_function", "predict_proba", "predict_log_proba", "score_samples"):
        if hasattr(model, method):
            yield f"{name}.{method}", lambda m=method: getattr(model, m)(other)
    if hasattr(model, "score"):
        yield f"{name}.score", lambda: model.score(X, y, sample_weight=weight)
    yield f"{name}.fit again", lambda: model.fit(other, target(draw, other.shape[0], k, hasattr(cls, "decision_function")))


def target(draw, n, k, classes):
    if classes and draw.chance(0.8):
        return guarded(draw.rng.integers(0, k + 1, n))
    y = np.abs(draw.numbers((n,) if k == 1 or draw.chance(0.6) else (n, k), draw.one([np.float64, np.float32])))
    return draw.array(y)


def paths(draw):
    n, d = draw.one(SIZES), draw.one(SIZES)
    X, y, call = draw.X(n, d), draw.array(draw.numbers((n,), np.float64)), draw.one([linear_model.lasso_path, linear_model.enet_path])
    params = {name: value for name, value in draw.params(linear_model.enet_path).items() if call is linear_model.enet_path or name != "l1_ratio"}
    yield call.__name__, lambda: call(X, y, **params)


def objectives(draw):
    n, d, k = draw.one(SIZES), draw.one(SIZES), draw.one([1, 1, 2, 3, 5])
    loss = draw.one(LOSSES)
    X = draw.X(n, d, (np.float64, np.float32, np.float16, np.int8, np.uint8))
    y = guarded(np.arange(n) % (k + 1)) if loss in CLASSES or draw.chance(0.2) else draw.array(
        np.abs(draw.numbers((n,) if k == 1 else (n, k), draw.one([np.float64, np.float32]))))
    if loss not in ROWS and losses.get(loss).target in ("sign", "unit"):
        y = draw.array((draw.rng.random(n) < 0.5).astype(float))
    weight = draw.array(draw.rng.random(n)) if draw.chance(0.4) else None
    kept = []
    yield "LinearObjective", lambda: kept.append(fo.LinearObjective(
        X, y, loss, draw.one([0.0, 0.1]), draw.chance(0.5), weight, draw.one([None, 1, 2, 3]), standardize=draw.chance(0.3)))
    if not kept:
        return
    objective = kept[0]
    w, v = (draw.array(draw.rng.normal(size=objective.n_params)) for _ in range(2))
    out = guarded(np.zeros(objective.n_params))
    for method, args in (("value", (w,)), ("gradient", (w, out)), ("value_and_gradient", (w,)), ("hessp", (w, v)), ("hessian", (w,)),
                         ("predictions", (w,)), ("curvature_bound", ())):
        if objective.n_params < 400:
            yield f"LinearObjective.{method}", lambda m=method, a=args: getattr(objective, m)(*a)
    rows = guarded(draw.rng.integers(-1 if draw.chance(0.1) else 0, n, draw.one(SIZES)))
    yield "LinearObjective.rows", lambda: objective.rows(rows).value_and_gradient(w)
    yield "LinearObjective.line", lambda: objective.line(w, v)(0.5)


def loss_functions(draw):
    loss, shape, dtype = losses.get(draw.one(losses.names())), (draw.one([*SIZES, 1000, 4097]),), draw.one([np.float64, np.float32])
    p, y = (draw.array(draw.numbers(shape, dtype)) for _ in range(2))
    if draw.chance(0.7):
        y = draw.array((draw.rng.random(shape) < 0.5).astype(dtype))
    weight, out = draw.one([None, draw.array(draw.rng.random(shape).astype(dtype))]), draw.array(np.zeros(shape, dtype))
    yield f"{loss.name}.value", lambda: loss.value(y, p, weight)
    yield f"{loss.name}.gradient", lambda: loss.gradient(y, p, weight, out)
    yield f"{loss.name}.value_and_gradient", lambda: loss.value_and_gradient(y, p, weight)
    yield f"{loss.name}.pointwise", lambda: loss.pointwise(y, p)
    yield f"{loss.name}.predict", lambda: loss.predict(p)


def steps(draw):
    """An optimizer over a few arrays."""
    name, dtype = draw.one(optimizers.names()), draw.one([np.float64, np.float32])
    shapes = [draw.one([(s,) for s in SIZES] + [(3, 5), (16, 17), (1, 1), (2, 3, 4), (10000,)]) for _ in range(draw.one([1, 1, 2, 3]))]
    params = [guarded(draw.rng.normal(size=s).astype(dtype), draw.one(["C", "F"]), draw.chance(0.7)) for s in shapes]
    kind = {"moments": draw.one([None, "bfloat16", "8bit"])} if name in ("adam", "adamw", "lion") else {}
    made = []
    yield f"{name}()", lambda: made.append(optimizers.get(name, params, **kind, **({"clip_norm": 1.0} if draw.chance(0.3) else {})))
    for _ in range(3 if made else 0):
        grads = [guarded(draw.numbers(s, dtype), draw.one(["C", "F"]), draw.chance(0.7), draw.chance(0.7)) for s in shapes]
        yield f"{name}.step", lambda: made[0].step(grads)
    if made:
        yield f"{name}.state_dict", lambda: made[0].load_state_dict(made[0].state_dict())


def minimizers(draw):
    n, d = draw.one(SIZES), draw.one(SIZES)
    A, x0 = guarded(draw.rng.normal(size=(n, d))), draw.array(draw.rng.normal(size=d))

    def fun(x, rows=slice(None)):
        r = A[rows] @ x - 1
        return float(r @ r), 2 * A[rows].T @ r
    method = draw.one([None, "L-BFGS", "gd", "adam", "sgd"])
    bounds = [(-0.5, 0.5)] * d if draw.chance(0.3) else None
    yield "minimize", lambda: fo.minimize(fun, x0, jac=True, method=method, bounds=bounds, options={"maxiter": 20})
    yield "minimize_stochastic", lambda: fo.minimize_stochastic(
        fun, x0, n, batch_size=draw.one([1, 3, 32]), method=draw.one(["adam", "svrg", "saga", "sag"]), max_epochs=3, random_state=0)


def penalty_functions(draw):
    penalty, d, k = penalties.get(draw.one(penalties.names())), draw.one(SIZES), draw.one([1, 2])
    w = draw.array(draw.numbers((d * k,), np.float64))
    yield f"{penalty}.value", lambda: penalty.value(w)
    yield f"{penalty}.prox", lambda: penalty.prox(w, draw.one([0.0, 0.5, 2.0]))


def rates(draw):
    name = draw.one(schedules.names())
    yield f"schedule {name}", lambda: schedules.get(name, 0.1)(draw.one([0, 1, 1000, 2 ** 40]))


KINDS = [estimators] * 6 + [objectives] * 3 + [paths, loss_functions, steps, steps, minimizers, penalty_functions, rates]


def case(seed, counts, names=None):
    """One seed; whatever is not an error of bad input is raised."""
    draw = Draw(seed)
    fo.set_isa(draw.one(fo.available_isas()))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name, call in draw.one(KINDS)(draw):
            if names:
                print(name, file=names, flush=True)
            try:
                call()
                counts["done", name.partition(".")[0]] += 1
            except REFUSED:
                counts["refused", name.partition(".")[0]] += 1


def run(first, count, seconds, longest, progress):
    """Cases in this process; before each, its seed is written down for who outlives it."""
    counts, end, seed, faults = collections.Counter(), time.monotonic() + seconds, first, []
    while (count is None or seed < first + count) and time.monotonic() < end:
        progress.seek(0)
        progress.write(f"{seed:20d}")
        progress.flush()
        faulthandler.dump_traceback_later(longest, exit=True)
        try:
            case(seed, counts)
        except Exception:
            faults.append(seed)
            print(f"seed {seed}:\n{traceback.format_exc()}", flush=True)
        seed += 1
    faulthandler.cancel_dump_traceback_later()
    done, refused = (sum(v for (kind, _), v in counts.items() if kind == what) for what in ("done", "refused"))
    print(f"{seed - first} cases, seeds {first} … {seed - 1}: {done} calls done, {refused} refused, faults in seeds {faults}")
    return bool(faults)


def watch(arguments):
    """Cases in a process of their own; one that dies is told by its seed, and the next one goes on after it."""
    first, end, failed = arguments.first, time.monotonic() + arguments.seconds, False
    stop = None if arguments.count is None else first + arguments.count
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"fuzz-{os.getpid()}")
    while time.monotonic() < end and (stop is None or first < stop):
        done = subprocess.run([sys.executable, __file__, "--child", path, "--first", str(first), "--longest", str(arguments.longest),
                               "--seconds", str(end - time.monotonic()), *([] if stop is None else ["--count", str(stop - first)])])
        if done.returncode in (0, 3):
            failed |= done.returncode == 3
            break
        with open(path, encoding="ascii") as file:
            seed = int(file.read())
        print(f"seed {seed}: the process ended with {done.returncode}; again: python {__file__} --only {seed}", flush=True)
        failed, first = True, seed + 1
    if os.path.exists(path):
        os.remove(path)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--longest", type=float, default=60, help="seconds of a case; one that takes longer does not come back")
    parser.add_argument("--first", type=int, default=None)
    parser.add_argument("--count", type=int)
    parser.add_argument("--only", type=int)
    parser.add_argument("--child")
    arguments = parser.parse_args()
    if arguments.first is None:
        arguments.first = random.SystemRandom().randrange(10 ** 9)
    _load.heed(False)   # threads, however busy the machine is
    if arguments.only is not None:
        case(arguments.only, collections.Counter(), sys.stdout)
    elif arguments.child:
        with open(arguments.child, "w", encoding="ascii") as progress:
            sys.exit(3 * run(arguments.first, arguments.count, arguments.seconds, arguments.longest, progress))
    else:
        sys.exit(watch(arguments))


if __name__ == "__main__":
    main()
