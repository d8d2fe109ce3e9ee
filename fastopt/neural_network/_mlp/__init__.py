"""The drop-ins for scikit-learn's multi-layer perceptrons, on the engine.

Must not know kernels, nor linear models.
"""
