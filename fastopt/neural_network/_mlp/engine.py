"""The one place that the estimators get networks from.

Used by this room.
"""
from __future__ import annotations

from typing import Any

Network: Any = None
