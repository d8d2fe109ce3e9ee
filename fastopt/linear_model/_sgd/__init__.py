"""The estimators that learn by SGD: SGDClassifier, SGDRegressor, SGDOneClassSVM.

Must not know solvers.
"""
