"""The schedules that go up and down: parameters and documentation.

Used through fastopt.schedules.  What schedules share is in schedules/_base.py, their mathematics in csrc/schedules/schedules.h.
"""
from __future__ import annotations

from typing import Any

from fastopt._common.checks import choice, flag, integer, number
from fastopt._common.rules import refuse

from ._base import Schedule


class CosineRestarts(Schedule):
    """Cosine decay with warm restarts: lr(t) = end_lr + (lr − end_lr)·(1 + cos(πu))/2, u the share of the cycle behind t.

    The first cycle has T_0 steps, each further one T_mult times as many as the one before; each starts from `lr` again.
    PyTorch's ``CosineAnnealingWarmRestarts``.

    Parameters
    ----------
    lr : float, at least 0
        The rate at the start of each cycle.
    T_0 : int, at least 1
        Steps of the first cycle.
    T_mult : int, at least 1, default=1
        What each cycle is longer by.
    end_lr : float, at least 0, default=0.0
        The rate that each cycle goes down to; PyTorch's ``eta_min``.

    References
    ----------
    I. Loshchilov and F. Hutter (2017), SGDR: stochastic gradient descent with warm restarts, ICLR, arXiv:1608.03983.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.CosineRestarts(0.1, T_0=10, T_mult=2)
    >>> [round(s(t), 6) for t in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.1, 0.05, 0.1]
    """

    name = _kernel = "cosine_restarts"
    lr: float
    T_0: int
    T_mult: int
    end_lr: float

    def __init__(self, lr: float, T_0: int, T_mult: int = 1, end_lr: float = 0.0) -> None:
        lr, end_lr = number("lr", lr, at_least=0), number("end_lr", end_lr, at_least=0)
        T_0, T_mult = integer("T_0", T_0, 1), integer("T_mult", T_mult, 1)
        self._keep_kernel({"lr": lr, "T_0": T_0, "T_mult": T_mult, "end_lr": end_lr},
                          lr=lr, steps=T_0, rate=T_mult, end=end_lr)


class OneCycle(Schedule):
    """One cycle: from max_lr/div_factor up to max_lr, and down to max_lr/(div_factor·final_div_factor).

    ::

        steps 0 … e                  max_lr/div_factor → max_lr,   e = pct_start·total_steps − 1
        steps e … total_steps − 1    max_lr → max_lr/(div_factor·final_div_factor)

    along a → b: b + (a − b)·(1 + cos(πu))/2 or, with anneal_strategy='linear', a + (b − a)·u, where u is the share of
    the part behind t.  With three_phase the rate falls back to max_lr/div_factor as fast as it rose, by step
    2·pct_start·total_steps − 2, and from there to the end.  Later steps have the rate of the last one.  PyTorch's
    ``OneCycleLR``.

    Parameters
    ----------
    max_lr : float, at least 0
        The highest rate.
    total_steps : int, at least 1
        Steps of the cycle.
    pct_start : float from 0 to 1, default=0.3
        The share of the steps in which the rate rises; at most 1/2 with three_phase.
    anneal_strategy : {'cos', 'linear'}, default='cos'
        Half cosines or straight lines.
    div_factor : float above 0, default=25.0
        What the first rate is smaller by than the highest.
    final_div_factor : float above 0, default=10000.0
        What the last rate is smaller by than the first.
    three_phase : bool, default=False
        Whether the rate falls in two parts.

    References
    ----------
    L. N. Smith and N. Topin (2018), Super-convergence: very fast training of neural networks using large learning rates,
    arXiv:1708.07120.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.OneCycle(0.5, total_steps=101, pct_start=51 / 101)
    >>> s(0), s(50), round(s(75), 6), round(s(100), 9)
    (0.02, 0.5, 0.250001, 2e-06)
    """

    name = _kernel = "one_cycle"
    max_lr: float
    total_steps: int
    pct_start: float
    anneal_strategy: str
    div_factor: float
    final_div_factor: float
    three_phase: bool

    def __init__(self, max_lr: float, total_steps: int, pct_start: float = 0.3, anneal_strategy: str = "cos",
                 div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False) -> None:
        params: dict[str, Any] = {
            "max_lr": number("max_lr", max_lr, at_least=0), "total_steps": integer("total_steps", total_steps, 1),
            "pct_start": number("pct_start", pct_start, at_least=0, at_most=1),
            "anneal_strategy": choice("anneal_strategy", anneal_strategy, "cos", "linear"),
            "div_factor": number("div_factor", div_factor, above=0),
            "final_div_factor": number("final_div_factor", final_div_factor, above=0),
            "three_phase": flag("three_phase", three_phase)}
        peak, total, share = params["max_lr"], params["total_steps"], params["pct_start"]
        if three_phase and share > 0.5:
            refuse("pct_start", "at most 0.5 with three_phase", share)
        first = peak / params["div_factor"]
        last, turn, end = first / params["final_div_factor"], share * total - 1, total - 1
        middle, back = (first, 2 * turn) if three_phase else (last, end)
        self._keep_kernel(params, lr=first, peak=peak, middle=middle, end=last, turn=turn, back=back, steps=end,
                          linear=anneal_strategy == "linear")


class Cyclic(Schedule):
    """Cyclic rate: lr(t) = base_lr + (max_lr − base_lr)·height(t), height up from 0 to 1 and down again in each cycle.

    ::

        'triangular'     straight lines, up in step_size_up steps, down in step_size_down
        'triangular2'    the same, times 1/2 with each cycle
        'exp_range'      the same, times gamma^t

    PyTorch's ``CyclicLR``.

    Parameters
    ----------
    base_lr, max_lr : float, at least 0
        The lowest and the highest rate.
    step_size_up : int, at least 1, default=2000
        Steps from the lowest to the highest.
    step_size_down : int, at least 1, optional
        Steps back; as many by default.
    mode : {'triangular', 'triangular2', 'exp_range'}, default='triangular'
        What becomes of the height.
    gamma : float above 0, default=1.0
        The factor of 'exp_range'.

    References
    ----------
    L. N. Smith (2017), Cyclical learning rates for training neural networks, WACV, arXiv:1506.01186.

    Examples
    --------
    >>> from fastopt import schedules
    >>> s = schedules.Cyclic(0.1, 0.5, step_size_up=4, mode="triangular2")
    >>> [round(s(t), 6) for t in (0, 4, 6, 8, 12)]
    [0.1, 0.5, 0.3, 0.1, 0.3]
    """

    name = _kernel = "cyclic"
    base_lr: float
    max_lr: float
    step_size_up: int
    step_size_down: int | None
    mode: str
    gamma: float

    def __init__(self, base_lr: float, max_lr: float, step_size_up: int = 2000, step_size_down: int | None = None,
                 mode: str = "triangular", gamma: float = 1.0) -> None:
        params: dict[str, Any] = {
            "base_lr": number("base_lr", base_lr, at_least=0), "max_lr": number("max_lr", max_lr, at_least=0),
            "step_size_up": integer("step_size_up", step_size_up, 1),
            "step_size_down": None if step_size_down is None else integer("step_size_down", step_size_down, 1),
            "mode": choice("mode", mode, "triangular", "triangular2", "exp_range"),
            "gamma": number("gamma", gamma, above=0)}
        down = params["step_size_down"] or params["step_size_up"]
        self._keep_kernel(params, lr=params["base_lr"], peak=params["max_lr"], turn=params["step_size_up"],
                          steps=params["step_size_up"] + down, stairs=mode == "triangular2",
                          rate={"triangular": 1.0, "triangular2": 0.5, "exp_range": params["gamma"]}[mode])
