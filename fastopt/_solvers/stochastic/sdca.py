"""Dual coordinate descent (SDCA) for linear models: every step solves for one sample's dual variables, without a learning rate.

It needs an l2 penalty, alone or with l1, and a loss of `_sdca.LOSSES` or `_sdca_classes.CLASS_LOSSES`, kinks or not.  What a run does is dual_run.py
beside it, and dual_classes.py for losses of several classes.
"""
from __future__ import annotations

from fastopt._solvers.registry import Callback, Needs, RandomState, Solution, Vector, solver
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty

from ._sdca import LOSSES
from ._sdca_classes import CLASS_LOSSES
from .dual_classes import ClassDualRun
from .dual_run import DualRun
from .finite_sum import PENALTIES


@solver("sdca", Needs(penalties=PENALTIES, losses=LOSSES + CLASS_LOSSES, scales_intercept=True, strictly_convex=True, plain=True))
def sdca(objective: LinearObjective, penalty: Penalty | None, w0: Vector, *, tol: float, max_iter: int,
         callback: Callback | None, random_state: RandomState,
         intercept_scaling: float | None = None) -> Solution:
    """Stochastic dual coordinate ascent: maximise the dual in one sample's variable after the other, in random orders.

    With dual variables u, one a sample (hinges of several classes: one an output of a sample, all of which are stepped at
    once), the weights are w = soft(v, l1/l2), v = Σ sᵢ·uᵢ·xᵢ/(l2·Σ s); the best uᵢ, the others fixed, is known in closed form
    (Newton's method for ``log_loss``). Where l2 is weak beside the losses, weights are also pulled to a point that moves ahead
    of them with each pass (acceleration), so that passes grow with the root of what the condition is; else samples whose
    variable stays at a bound are left out for some passes (shrinking). An intercept is
    reached by the method of multipliers: a constant column whose weight is pulled to where it last was.

    Parameters
    ----------
    objective, penalty, w0, max_iter, callback, random_state
        As in `solve`; `max_iter` counts passes over the samples.  The strength of l2 must not be 0.
    tol : float
        Of a loss with a continuous derivative: bounds the violation.  Else bounds the duality gap, in multiples of the value (or
        of what rounding leaves of the mean loss of the prediction 0); the value is then at most the gap above its minimum.
    intercept_scaling : float, optional
        As in scikit-learn's ``LinearSVC``: the intercept is this number times a weight of its own that is penalised like the
        others.  By default it is not penalised.

    References
    ----------
    C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi and S. Sundararajan (2008), A dual coordinate descent method for
    large-scale linear SVM, ICML.
    S. Shalev-Shwartz and T. Zhang (2013), Stochastic dual coordinate ascent methods for regularized loss minimization, Journal
    of Machine Learning Research 14, arXiv:1209.1873; (2014) Accelerated proximal SDCA, ICML, arXiv:1309.2375.
    H. Lin, J. Mairal and Z. Harchaoui (2018), Catalyst acceleration for first-order convex optimization, Journal of Machine
    Learning Research 18, arXiv:1712.05654.
    """
    run = ClassDualRun if objective.loss.couples_outputs else DualRun
    return run(objective, penalty, w0, random_state, intercept_scaling).run(tol, max_iter, callback)
