"""Stochastic gradient descent over rows of X: a fit per sample, by mini-batches or by optimizer="auto".

Owns the weights while they are trained.  Must not know estimators, labels or files.
"""
