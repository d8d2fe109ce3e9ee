"""The solver-based estimators: logistic regression, ridge, lasso, SVMs, GLMs, robust regression, and their cross-validation.

Must not know SGD.
"""
