"""Least squares with an l2 penalty: by one factor, or by conjugate gradients.

Must not know other losses.
"""
