"""Losses of pixels: structural similarity and total variation.

Used through fastopt.losses.  What they share is in losses/_images/_base.py, their mathematics in csrc/images.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, flag, integer, number

from .._base import Array, _array
from ._base import ImageLoss, evaluate, images


class SSIM(ImageLoss):
    """1 − the structural similarity of images: the mean over channels and over all places of a Gaussian window inside of the image.

    The similarity is (2·m·n + c1)·(2·cov + c2)/((m² + n² + c1)·(v + u + c2)), m, n, v, u and cov the means, variances and covariance under the
    window, c1 = (0.01·data_range)², c2 = (0.03·data_range)².  It is what scikit-image's `structural_similarity` says with gaussian_weights=True and
    use_sample_covariance=False.

    Parameters
    ----------
    data_range : float above 0, default=1.0
        Largest less smallest value that a pixel may have: 255 for bytes.
    window : int, odd, default=11
        Pixels along a side of the window; no image may be smaller.
    sigma : float above 0, default=1.5
        Standard deviation of the window's weights.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns of several images.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli (2004), Image quality assessment: from error visibility to structural similarity,
    IEEE Transactions on Image Processing 13, 600–612.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> y = np.add.outer(np.arange(16), np.arange(16)) / 30
    >>> ssim = losses.SSIM()
    >>> abs(ssim.value(y, y)) < 1e-12
    True
    >>> round(ssim.value(y, 1 - y), 3), ssim.gradient(y, 1 - y).shape
    (1.794, (16, 16))
    """

    name = "ssim"
    data_range: float
    window: int
    sigma: float
    _weights: NDArray[np.float64]

    def __init__(self, data_range: float = 1.0, window: int = 11, sigma: float = 1.5, reduction: str = "mean") -> None:
        window, sigma = integer("window", window, 1, 1 << 20), number("sigma", sigma, above=0)
        if window % 2 == 0:
            raise ValueError(f"window must be odd, got {window}")
        weights = np.exp(-(np.arange(window) - window // 2) ** 2 / (2 * sigma * sigma))
        self._keep({"data_range": number("data_range", data_range, above=0), "window": window, "sigma": sigma,
                    "reduction": choice("reduction", reduction, "mean", "sum", "none")}, _weights=weights / weights.sum())

    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like, of shape (H, W), (C, H, W) or (N, C, H, W)
            Targets.
        p : array_like, of the same shape
            Images that are to be like them.
        sample_weight : array_like of shape (N,), optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,), N = 1 of a single image

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or a pixel that is not finite.
        """
        return self._evaluate(y, p, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each pixel of `p`.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        ndarray of the shape of p
        """
        return self.value_and_gradient(y, p, sample_weight)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of the shape of p
        """
        value, gradient = self._evaluate(y, p, sample_weight, True)
        assert gradient is not None
        return value, gradient

    def _evaluate(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, wants_gradient: bool) -> tuple[float | Array, Array | None]:
        given, x = images("p", p)
        target = _array("y", y, given.dtype)
        if target.shape != given.shape:
            raise ValueError(f"y must have the shape of p, {given.shape}, got {target.shape}")
        height, width = x.shape[2:]
        if min(height, width) < self.window:
            raise ValueError(f"p must have {self.window} pixels along each side, those of the window, or more, got {height} by {width}")
        factors = self._factors(sample_weight, len(x))
        places = x.shape[1] * (height - self.window + 1) * (width - self.window + 1)
        settings = (0.01 * self.data_range) ** 2, (0.03 * self.data_range) ** 2
        window = self._weights.astype(x.dtype)
        sums, gradient = evaluate(settings, target.reshape(x.shape), x, window, -factors / places, wants_gradient)
        return self._reduced(1 - sums / places, factors, given), None if gradient is None else gradient.reshape(given.shape)


class TotalVariation(ImageLoss):
    """Total variation of images: the sum over pixels and channels of the sizes of the differences to the pixels on the right and below.

    The size of a difference d is √(d² + eps²) − eps; isotropic, that of both differences of a pixel together, d² being the sum of their squares.
    Beyond the edge there is no difference.

    Parameters
    ----------
    isotropic : bool, default=False
        Whether edges cost the same in all directions; else differences along rows and along columns are added up.
    eps : float, at least 0, default=1e-6
        Below it differences are smoothed.  0: not at all; the derivative of no difference is then taken as 0.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns of several images.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    L. I. Rudin, S. Osher and E. Fatemi (1992), Nonlinear total variation based noise removal algorithms, Physica D 60, 259–268.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.TotalVariation(eps=0.0).value_and_gradient([[0.0, 3.0], [4.0, 3.0]])
    (8.0, array([[-2.,  1.],
           [ 2., -1.]]))
    """

    name = "total_variation"
    isotropic: bool
    eps: float

    def __init__(self, isotropic: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self._keep({"isotropic": flag("isotropic", isotropic), "eps": number("eps", eps, at_least=0),
                    "reduction": choice("reduction", reduction, "mean", "sum", "none")})

    def value(self, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        p : array_like, of shape (H, W), (C, H, W) or (N, C, H, W)
            Images.
        sample_weight : array_like of shape (N,), optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,), N = 1 of a single image

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or a pixel that is not finite.
        """
        return self._evaluate(p, sample_weight, False)[0]

    def gradient(self, p: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each pixel.

        Parameters
        ----------
        p, sample_weight
            See `value`.

        Returns
        -------
        ndarray of the shape of p
        """
        return self.value_and_gradient(p, sample_weight)[1]

    def value_and_gradient(self, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of the shape of p
        """
        value, gradient = self._evaluate(p, sample_weight, True)
        assert gradient is not None
        return value, gradient

    def _evaluate(self, p: ArrayLike, sample_weight: ArrayLike | None, wants_gradient: bool) -> tuple[float | Array, Array | None]:
        given, x = images("p", p)
        factors = self._factors(sample_weight, len(x))
        sums, gradient = evaluate((self.isotropic, self.eps), None, x, None, factors, wants_gradient)
        return self._reduced(sums, factors, given), None if gradient is None else gradient.reshape(given.shape)
