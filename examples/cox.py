"""Cox's proportional hazards by hand: a linear model of the risk of a relapse, fitted by fastopt.minimize; standard errors come from
the loss's Hessian.

The data are the remissions of 42 children with acute leukemia, half of whom were given 6-mercaptopurine: E. J. Freireich et al. (1963), The effect
of 6-mercaptopurine on the duration of steroid-induced remissions in acute leukemia, Blood 21, 699–716; the logarithms of their white blood cell
counts as in D. G. Kleinbaum and M. Klein, Survival analysis.  Runs in a second:  python examples/cox.py
"""
import numpy as np

import fastopt as fo

# weeks in remission, whether it ended with a relapse (or observation did), log of the white blood cell count
TREATED = [(35, 0, 1.45), (34, 0, 1.47), (32, 0, 2.20), (32, 0, 2.53), (25, 0, 1.78), (23, 1, 2.57), (22, 1, 2.32), (20, 0, 2.01), (19, 0, 2.05),
           (17, 0, 2.16), (16, 1, 3.60), (13, 1, 2.88), (11, 0, 2.60), (10, 0, 2.70), (10, 1, 2.96), (9, 0, 2.80), (7, 1, 4.43), (6, 0, 3.20),
           (6, 1, 2.31), (6, 1, 4.06), (6, 1, 3.28)]
CONTROLS = [(23, 1, 1.97), (22, 1, 2.73), (17, 1, 2.95), (15, 1, 2.30), (12, 1, 1.50), (12, 1, 3.06), (11, 1, 3.49), (11, 1, 2.12), (8, 1, 3.52),
            (8, 1, 3.05), (8, 1, 2.32), (8, 1, 3.26), (5, 1, 3.49), (5, 1, 3.97), (4, 1, 4.36), (4, 1, 2.42), (3, 1, 4.01), (2, 1, 4.91),
            (2, 1, 4.48), (1, 1, 2.80), (1, 1, 5.00)]
weeks, relapse, log_cells = np.array(TREATED + CONTROLS).T
X = np.column_stack([np.repeat([1.0, 0.0], 21), log_cells])
y = weeks, relapse
cox = fo.losses.Cox(ties="efron", reduction="sum")


def loss(w):
    """−log of the partial likelihood, and its gradient in the coefficients."""
    value, in_risk = cox.value_and_gradient(y, X @ w)
    return value, X.T @ in_risk


def hessian(w):
    return X.T @ np.column_stack([cox.hessp(y, X @ w, column) for column in X.T])


start = np.zeros(2)
found = fo.minimize(loss, start, method="lbfgs", jac=True, options={"gtol": 1e-8})
errors = np.sqrt(np.diag(np.linalg.inv(hessian(found.x))))
print("                coefficient   standard error   hazard ratio")
for name, w, error in zip(("treated", "log cell count"), found.x, errors):
    print(f"{name:15} {w:11.4f} {error:16.4f} {np.exp(w):14.3f}")
print(f"log likelihood {-loss(start)[0]:.4f} at 0, {-found.fun:.4f} at the optimum")
print(f"concordance {fo.losses.concordance(y, X @ found.x):.4f}; of the treatment alone {fo.losses.concordance(y, -X[:, 0]):.4f}")
