"""The one place that the perceptrons get networks from.

Used by this room; its tests put others in their place.
"""
from __future__ import annotations

from fastopt.neural_network._engine import Network

__all__ = ["Network"]
