"""Escape a local minimum: SciPy's basin hopping with fastopt's methods as local searches.

Needs SciPy alone.  Runs in a second or two:  python examples/basin_hopping.py
"""
import numpy as np
from scipy.optimize import basinhopping

import fastopt as fo


def rastrigin(x):
    """Value and gradient; a local minimum near every point of whole numbers, the global one is 0 at 0."""
    return (10 * x.size + np.sum(x ** 2 - 10 * np.cos(2 * np.pi * x)), 2 * x + 20 * np.pi * np.sin(2 * np.pi * x))


start = np.array([3.1, -3.9, 2.2])
local = fo.minimize(rastrigin, start, method="lbfgs", jac=True)
print(f"one start         f = {local.fun:8.4f} at {local.x.round(3)}, {local.nfev} calls: {local.message}")

rng = np.random.default_rng(0)


def hop(x):
    return x + rng.uniform(-1.5, 1.5, x.size)


for method, options in (("lbfgs", {}), ("cg", {}), ("adam", {"lr": fo.schedules.ExponentialDecay(0.2, 0.97, 1), "gtol": 1e-2, "maxiter": 500})):
    found = basinhopping(rastrigin, start, niter=150, T=0, take_step=hop,
                         minimizer_kwargs={"method": fo.scipy_method(method), "jac": True, "options": options})
    print(f"150 hops, {method:6}  f = {found.fun:8.4f} at {found.x.round(3) + 0.0}, {found.nfev} calls")
