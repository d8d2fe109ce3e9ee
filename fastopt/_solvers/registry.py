"""What solvers have in common: what they return, what they require of loss and penalty, and their register.

Used by the modules of solvers, in the folders beside this, which enter their functions with the decorator `solver`, and by auto.py,
which calls them.  Knows no solver, and of objectives and penalties only what they say of themselves.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from fastopt.exceptions import InvalidParameterError
from fastopt.losses import WholeLoss
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

Vector = NDArray[np.float64]
#: the user's function of the Solution after each iteration; StopIteration ends the run
Callback = Callable[["Solution"], object]
#: the source of random rows and orders of samples; None: the same ones each time
RandomState = int | np.random.RandomState | np.random.Generator | None

#: SciPy's sentences, as far as they fit
CONVERGED = "The largest element of the gradient is within tol."
GAP_CLOSED = "The duality gap is within tol."
LIMIT = "max_iter iterations were not enough to reach tol."
PRECISION = ("The value cannot be lowered any more in this precision; tol was not reached: centre or scale the columns, pass float64, "
             "or take a larger tol.")
ROUNDED = "float32 holds no weights and intercept that reach tol: centre or scale the columns, or pass float64."
STOPPED = "`callback` raised `StopIteration`."
UNBOUNDED = ("The weights grow without bound: the minimum is not attained, as with separable classes and no penalty. "
             "Add a penalty, or take a larger tol.")
OVERFLOW = ("Numbers overflowed, or lost all their digits: scale X and y, see sklearn.preprocessing, or take a penalty that is less "
            "extreme.")
NOT_FINITE = "The value or the gradient at the start is not finite: scale the features, or start nearer to 0."


class Solution(NamedTuple):
    """What a solver found.

    Attributes
    ----------
    w : ndarray of shape (n_params,), float64
        The best point: coefficients, then intercepts.
    value : float
        Objective and penalty there.
    n_iter : int
        Iterations done.
    violation : float
        The largest element, in magnitude, of the gradient; with a penalty, of its least subgradient.
    gap : float
        The duality gap; nan of solvers that compute none.
    converged : bool
        Whether `tol` was reached.
    message : str
        Why the run ended.
    solver : str
        The name of the solver.
    """

    w: Vector
    value: float
    n_iter: int
    violation: float
    gap: float
    converged: bool
    message: str
    solver: str


class Needs(NamedTuple):
    """What a solver requires; what it does not name it does not mind.

    Attributes
    ----------
    penalties : tuple of str, or None
        Names of the penalties that it takes, ``"none"`` among them; None: all.  (An L2 penalty of one strength is part of
        the objective when a solver sees it.)
    losses : tuple of str, or None
        Names of the losses that it takes; None: all.
    smooth, convex : bool
        The loss must have a continuous derivative; must be convex.
    one_output : bool
        One output alone, not multinomial.
    max_params : int, or None
        The most parameters.
    scales_intercept : bool
        It takes `intercept_scaling`: the intercept as the weight of a column of this value, penalised like the others.
    strictly_convex : bool, or None
        There must be an l2 penalty, alone or with l1; False: there must be none.
    plain : bool
        Penalties of one strength for all weights, and columns as they are, not standardized.
    centred : bool
        It reads X through the objective alone, so that columns can be centred on the way.
    relative : bool
        It takes `relative=True` with squared errors: `tol` times the gradient at 0 is found on the way.
    sparse_centred : bool
        It takes sparse columns that are standardized, with or without an intercept.
    gradients_alone : bool
        It asks for values and gradients alone, so that the loss may be a `WholeLoss`.
    """

    penalties: tuple[str, ...] | None = ("none",)
    losses: tuple[str, ...] | None = None
    smooth: bool = False
    convex: bool = False
    one_output: bool = False
    max_params: int | None = None
    scales_intercept: bool = False
    strictly_convex: bool | None = None
    plain: bool = False
    centred: bool = False
    relative: bool = False
    sparse_centred: bool = True
    gradients_alone: bool = False


class Entry(NamedTuple):
    """A solver in the register."""

    run: Callable[..., Solution]
    needs: Needs


#: solvers by name, in the order of their registration
registry: dict[str, Entry] = {}
NO_NEEDS = Needs()


def solver(name: str, needs: Needs = NO_NEEDS) -> Callable[[Callable[..., Solution]], Callable[..., Solution]]:
    """Decorator: enter ``run(objective, penalty, w0, *, tol, max_iter, callback, random_state)`` under this name.

    Parameters
    ----------
    name : str
    needs : Needs
        Checked before `run` is called.  `penalty` is None, or one that `needs` names; `w0` a float64 vector of the solver's own.

    Examples
    --------
    ::

        @solver("fista", Needs(penalties=None, smooth=True))
        def fista(objective, penalty, w0, *, tol, max_iter, callback, random_state):
            ...
    """
    def enter(run: Callable[..., Solution]) -> Callable[..., Solution]:
        registry[name] = Entry(run, needs)
        return run
    return enter


def penalty_name(penalty: Penalty | None) -> str:
    """The penalty's name, ``"none"`` without one."""
    return "none" if penalty is None else str(penalty.name)


def strength_of_l2(objective: LinearObjective, penalty: Penalty | None) -> float:
    """The strength of l2 beside the mean loss, the objective's own and that of the penalty."""
    own = float(objective.l2)
    if penalty is None or penalty.name not in ("l2", "elasticnet"):
        return own
    share, weights = 1 - float(penalty.params.get("l1_ratio", 0.0)), penalty.params.get("weights")
    return own + float(penalty.params["alpha"]) * share * (1.0 if weights is None else float(np.max(weights)))


def unknowns(objective: LinearObjective) -> int:
    """Rows of the matrix that is factorised: of parameters, or of dense rows, where they are fewer and the loss is squared."""
    fewer = objective.loss.name == "squared_error" and objective.n_outputs == 1 and not objective.X.is_sparse
    return int(min(objective.n_params, objective.n_samples) if fewer else objective.n_params)


def lacking(needs: Needs, objective: LinearObjective, penalty: Penalty | None) -> str:
    """What the problem lacks that the solver needs, in words; empty if nothing."""
    loss, name = objective.loss.name, penalty_name(penalty)
    if isinstance(objective.loss, WholeLoss) and not needs.gradients_alone:
        return f"reads more than values and gradients, which are all that {objective.loss!r} has"
    if needs.penalties is not None and name not in needs.penalties:
        return f"takes the penalties {', '.join(needs.penalties)}, got {name}"
    if needs.losses is not None and loss not in needs.losses:
        return f"takes the losses {', '.join(needs.losses)}, got {loss}"
    if needs.smooth and not objective.loss.smooth:
        return f"needs a loss with a continuous derivative, which {loss} is not"
    if needs.convex and not objective.loss.convex:
        return f"needs a convex loss, which {objective.loss!r} is not"
    if needs.one_output and objective.n_outputs > 1:
        return f"solves for one output, not for {objective.n_outputs}"
    if needs.max_params is not None and unknowns(objective) > needs.max_params:
        return f"takes at most {needs.max_params} parameters, got {objective.n_params}"
    if needs.strictly_convex is not None and needs.strictly_convex != (strength_of_l2(objective, penalty) > 0):
        return "needs an l2 penalty" if needs.strictly_convex else "takes no l2 penalty"
    if needs.plain and objective.columns is not None:
        return "takes X as it is, not standardize=True"
    if not needs.sparse_centred and objective.X.is_sparse and not objective.fit_intercept and (
            objective.columns is not None and objective.columns[0].any()):
        return "takes sparse columns with standardize=True only with an intercept"
    if needs.plain and penalty is not None and penalty.params.get("weights") is not None:
        return f"takes penalties of one strength for all weights, got {penalty!r}"
    return ""


def suitable(objective: LinearObjective, penalty: Penalty | None) -> list[str]:
    """The names of the solvers that take this problem."""
    names = _by_names(objective.loss.name, penalty_name(penalty), len(registry))
    return [name for name in names if not lacking(registry[name].needs, objective, penalty)]


@functools.cache
def _by_names(loss: str, penalty: str, count: int) -> tuple[str, ...]:
    """The solvers, of so many, that take a loss and a penalty of these names: most are out by them."""
    return tuple(name for name, (_, needs) in registry.items()
                 if (needs.losses is None or loss in needs.losses) and (needs.penalties is None or penalty in needs.penalties))


def takes(name: str, objective: LinearObjective, penalty: Penalty | None) -> bool:
    """Whether the solver of that name takes this problem."""
    known = name in _by_names(objective.loss.name, penalty_name(penalty), len(registry))
    return known and not lacking(registry[name].needs, objective, penalty)


def refuse(name: str, reason: str, objective: LinearObjective, penalty: Penalty | None) -> NoReturn:
    """Raise an error that names the solvers that take the problem."""
    others = [f"'{other}'" for other in suitable(objective, penalty) if other != name]
    instead = f"; {', '.join(others)} would do" if others else "; no solver takes this loss with this penalty"
    raise InvalidParameterError(f"solver '{name}' {reason}{instead}")


def find(name: str, objective: LinearObjective, penalty: Penalty | None) -> Callable[..., Solution]:
    """The solver of that name, if it takes this problem."""
    if not isinstance(name, str) or name not in registry:
        known = ", ".join(map(repr, ("auto", *registry)))
        raise InvalidParameterError(f"solver must be one of {known}, got {name!r}")
    entry = registry[name]
    reason = lacking(entry.needs, objective, penalty)
    if reason:
        refuse(name, reason, objective, penalty)
    return entry.run


def seed_of(random_state: RandomState) -> int:
    """A seed for the order of the samples; None: one and the same, so that a fit gives the same weights each time."""
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(1, 2 ** 31 - 1))
    try:
        return int(np.random.default_rng(0 if random_state is None else random_state).integers(1, 2 ** 31 - 1))
    except (TypeError, ValueError):
        raise InvalidParameterError(f"random_state must be an integer at least 0, a numpy Generator or RandomState, or None, "
                                    f"got {random_state!r}") from None
