"""What all estimators share, linear or not: checks of X, y and weights, classes, rules for parameters, docstrings, the ties to scikit-learn.

Must not know a model.
"""
