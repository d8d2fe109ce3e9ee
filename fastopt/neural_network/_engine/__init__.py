"""The engine of neural networks: layers, their workspace, and epochs of mini-batches that run without the GIL.

Owns where weights, gradients and activations lie, and which thread does what; layers and activations are in csrc/network, losses in
csrc/losses, steps in csrc/rules.  Knows no estimators.
"""
from .data import sum_over_batches
from .network import Network

__all__ = ["Network", "sum_over_batches"]
