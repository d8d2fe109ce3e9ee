"""The batch size that follows the noise of the gradient.

Used through fastopt.batching.  What strategies share is in batching/_sizes.py.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fastopt._common.checks import number
from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError
from fastopt.schedules import _curves

from ._sizes import LARGEST, Batching, Sizes, limit, whole


class NoiseScale(Batching):
    """A size near the gradient noise scale, B = S/‖G‖²: variance of a sample's gradient over the squared mean gradient.

    Below B twice the samples save half the steps, far above it they save nothing.  From the squared norms of the mean
    gradient over a small and a big batch, n and N samples,

    ::

        ‖G‖² ≈ (N·|G_N|² − n·|G_n|²)/(N − n)        S ≈ (|G_n|² − |G_N|²)/(1/n − 1/N)

    without bias; both are averaged over updates, m ← decay·m + (1 − decay)·new.  The next size is S/‖G‖², rounded, within
    min_size … max_size, at most twice and at least half the size before; where the averages leave nothing of ‖G‖², it
    doubles, and where they leave nothing of S, it is halved.

    Parameters
    ----------
    size : int from min_size to max_size
        Samples of the first step; read back as ``params['size']``.
    min_size : int, at least 1, default=1
        The smallest size.
    max_size : int, optional
        The largest size; what the rows of X can be numbered to, 2147483647, by default.
    decay : float, at least 0, below 1, default=0.9
        What is kept of the averages at each update.

    References
    ----------
    S. McCandlish, J. Kaplan, D. Amodei and others (2018), An empirical model of large-batch training, arXiv:1812.06162,
    appendix A.1.

    Examples
    --------
    >>> from fastopt import batching
    >>> b = batching.NoiseScale(32)
    >>> b.update(small=32, big=320, squared_norm_small=2.5, squared_norm_big=1.15)   # S = 48, ‖G‖² = 1
    48
    >>> b.size(7), round(b.noise_scale, 6)
    (48, 48.0)
    """

    name = "noise_scale"
    driven_by = "noise"
    min_size: int
    max_size: int | None
    decay: float

    def __init__(self, size: int, min_size: int = 1, max_size: int | None = None, decay: float = 0.9) -> None:
        low, first = whole("min_size", min_size), whole("size", size)
        params = {"size": first, "min_size": low, "max_size": limit("max_size", max_size, low),
                  "decay": number("decay", decay, at_least=0, below=1)}
        if not low <= first <= (params["max_size"] or first):
            refuse("size", f"within min_size … max_size, {low} … {max_size}", first)
        self._keep(params, {"size": first, "variance": 0.0, "squared_mean": 0.0, "updates": 0})

    @property
    def noise_scale(self) -> float:
        """The estimate S/‖G‖²: nan before the first update, inf where the noise hides the gradient, 0 where there is none."""
        if not self._state["updates"]:
            return float("nan")
        return float(_curves.noise_scale(self._noise()))   # the corrections for the start of the averages cancel

    def update(self, small: int, big: int, squared_norm_small: float, squared_norm_big: float) -> int:
        """Take note of the gradients over two batches.

        Parameters
        ----------
        small, big : int, small < big
            Samples of the batches.
        squared_norm_small, squared_norm_big : float, at least 0
            Sums of the squares of their mean gradients; an average of them over several batches of that size is better.

        Returns
        -------
        int
            The size from now on.
        """
        n, N = whole("small", small), whole("big", big)
        if n >= N:
            refuse("big", f"above small, {n}", N)
        few = number("squared_norm_small", squared_norm_small, at_least=0)
        many = number("squared_norm_big", squared_norm_big, at_least=0)
        noise = _curves.noise_note(self._noise(), n, N, few, many)
        if noise is None:
            raise InvalidParameterError(f"squared_norm_small and squared_norm_big must not overflow, got {few!r} and {many!r}")
        self._become(noise)
        return int(self._state["size"])

    def _noise(self) -> dict[str, float]:
        """The fields of fo_noise."""
        return {**self._state, "decay": self.decay, "least": self.min_size, "most": self.max_size or LARGEST}

    def _become(self, noise: Mapping[str, float]) -> None:
        """Take their numbers as the state, counters as integers."""
        self.__dict__["_state"] = {key: type(value)(noise[key]) for key, value in self._state.items()}

    def _with_state(self, state: object) -> None:
        super()._with_state(state)
        whole("state['size']", self._state["size"])

    def _sizes(self, t: int, n: int) -> Sizes:
        return np.full(n, self._state["size"], np.int64)
