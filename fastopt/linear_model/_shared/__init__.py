"""What all estimators share: checks of X, y and weights, predictions, rules for parameters, docstrings, the ties to scikit-learn.

Must not know how a model is trained.
"""
