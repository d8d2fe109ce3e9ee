"""L-BFGS-B's step by its definition, with dense matrices in plain NumPy: the oracle of test_lbfgsb.py.

Byrd, Lu, Nocedal and Zhu (1995), sections 4 and 5; the projection of the last step is Morales and Nocedal's (2011).
"""
import numpy as np


def hessian(s, y):
    """BFGS from θ·I, the pairs in rows, the oldest first."""
    b = np.eye(s.shape[1]) * (y[-1] @ y[-1]) / (s[-1] @ y[-1])
    for si, yi in zip(s, y):
        bs = b @ si
        b = b - np.outer(bs, bs) / (si @ bs) + np.outer(yi, yi) / (si @ yi)
    return b


def breakpoints(x, g, lower, upper):
    """When x − t·g reaches its bounds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(g > 0, (x - lower) / g, np.where(g < 0, (x - upper) / g, np.inf))


def cauchy_point(b, x, g, lower, upper):
    """The first minimum of gᵀz + zᵀBz/2 along the projected path, segment by segment."""
    times = breakpoints(x, g, lower, upper)
    point, t, bz = x, 0.0, np.zeros_like(x)
    for until in [*np.unique(times[(times > 0) & (times < np.inf)]), np.inf]:
        way = np.where(times > t, -g, 0.0)
        along = b @ way
        slope, curvature = way @ (g + bz), way @ along
        if slope >= 0:
            break
        if t - slope / curvature < until:
            return np.clip(point - slope / curvature * way, lower, upper)
        point = np.where((times <= until) & (g != 0), np.where(g > 0, lower, upper), point + (until - t) * way)
        bz, t = bz + (until - t) * along, until
    return point


def step(b, x, g, lower, upper):
    """From x to the minimum over the variables that are free at the Cauchy point, brought into the bounds."""
    cauchy = cauchy_point(b, x, g, lower, upper)
    free = (lower < cauchy) & (cauchy < upper)
    way = np.zeros_like(x)
    way[free] = np.linalg.solve(b[np.ix_(free, free)], -(g + b @ (cauchy - x))[free])
    target = np.clip(cauchy + way, lower, upper)
    if (target - x) @ g < 0:
        return target - x
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(way > 0, (upper - cauchy) / way, np.where(way < 0, (lower - cauchy) / way, np.inf))
    return np.clip(cauchy + min(1.0, ways.min()) * way, lower, upper) - x
