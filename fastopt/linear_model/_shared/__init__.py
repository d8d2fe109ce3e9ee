"""What all estimators share: checks of X, y and weights, classes, rules of parameters as data, docstrings, scikit-learn.

Must not know how a model is trained.
"""
