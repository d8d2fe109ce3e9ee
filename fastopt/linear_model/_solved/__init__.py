"""The estimators whose minimum a solver finds: logistic regression, ridge, lasso, SVMs, GLMs, robust regression, and their CV.

Must not know SGD.
"""
