"""Small neural networks: drop-ins for scikit-learn's, on an engine that runs an epoch in one call.

Owns parameters, checks and estimators; the arithmetic is in csrc/network, its loops in neural_network/_engine.  Knows no files and no command.
"""
