"""What a call costs: meetings of threads, calls from Python, and our shortest calls beside them.

Used by _limits/measure.py.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import repeat

import numpy as np

from fastopt._core.memory import aligned

from . import loops
from .dense import STEPS
from .epochs import classes, sgd
from .record import Findings, Limit, Share
from .timing import Call, in_turn

CALLS = 2000          # that are timed at once
MEETINGS = 100
EPOCHS = 5
ROWS, COLUMNS = 150, 4


def small(threads: int, seconds: float) -> Findings:
    """Limits of calls and of meetings, and the shares of a prediction of one row and of a fit of a few.

    Parameters
    ----------
    threads : int
    seconds : float
        That it may take.
    """
    rng = np.random.default_rng(3)
    X, one, y = rng.random((ROWS, COLUMNS)), rng.random((1, COLUMNS)), classes(ROWS)
    model = sgd(max_iter=EPOCHS)
    predictor = sgd(max_iter=EPOCHS).fit(X, y)
    best = in_turn({**_python(), "barrier": Call(partial(loops.barrier, threads, MEETINGS), threads),
                    "meeting": Call(partial(loops.meeting, threads, MEETINGS), threads),
                    **{dtype: Call(partial(loops.link, aligned((1,), dtype), 0.1, 0.3, STEPS)) for dtype in ("float32", "float64")},
                    "predict": Call(partial(predictor.predict, one)), "fit": Call(partial(model.fit, X, y))}, seconds)
    loop = best.pop("no call")
    function, method, array = (max(best[name] - loop, 1e-10 * CALLS) / CALLS for name in ("function", "method", "array"))
    limits = [Limit(f"logistic gradient, one after the other, {dtype}", 1, best[dtype] / STEPS) for dtype in ("float32", "float64")]
    limits += [Limit("call of a Python function", 1, function), Limit("call of a compiled method", 1, method), Limit("new array", 1, array)]
    if threads > 1:
        limits += [Limit("barrier of OpenMP", threads, best["barrier"] / MEETINGS), Limit("meeting of a team", threads, best["meeting"] / MEETINGS)]
    return Findings(limits, [
        Share("predict, 1 row", "call", 1, best["predict"], {"Python calls": function + method + array}),
        Share(f"fit, {ROWS} × {COLUMNS}, {EPOCHS} epochs", "call", 1, best["fit"],
              {"steps and calls": EPOCHS * ROWS * best["float64"] / STEPS + function + method + 3 * array})])


def _python() -> dict[str, Call]:
    """Loops over calls, and one over none."""
    def nothing() -> None:
        pass

    method = loops.Callee().nothing
    return {"no call": Call(_loop), "function": Call(partial(_loop_over, nothing)), "method": Call(partial(_loop_over, method)),
            "array": Call(partial(_loop_over, partial(np.empty, 1)))}


def _loop() -> None:
    for _ in repeat(None, CALLS):
        pass


def _loop_over(call: Callable[[], object]) -> None:
    for _ in repeat(None, CALLS):
        call()
