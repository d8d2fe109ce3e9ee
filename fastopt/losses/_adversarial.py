"""The two sides of the games by which generative adversarial networks are trained: losses of the discriminator's raw scores.

Used through fastopt.losses.  Each is made of losses that there are: the log loss, the squared error, the hinge.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._common.settings import Settings

from ._base import DOMAINS, Array, Loss, _array, _refuse
from ._classification import Hinge, LogLoss
from ._regression import SquaredError

Side = Callable[[Array], tuple[float, Array]]


def _against(loss: Loss, y: float) -> Side:
    """The mean loss of scores that should say y."""
    return lambda p: loss.value_and_gradient(np.full_like(p, y), p)


def _mean(sign: float) -> Side:
    """The mean of the scores, times the sign."""
    return lambda p: (sign * float(p.mean(dtype=np.float64)), np.full_like(p, sign / p.size))


def _less(side: Side) -> Side:
    """Minus that."""
    def found(p: Array) -> tuple[float, Array]:
        value, gradient = side(p)
        return -value, -gradient
    return found


_REAL, _FAKE = _against(LogLoss(), 1.0), _against(LogLoss(), 0.0)
#: of the discriminator in scores of real and of generated samples, of the generator in those of its own
_GAMES: dict[str, tuple[Side, Side, Side]] = {
    "non_saturating": (_REAL, _FAKE, _REAL),
    "minimax": (_REAL, _FAKE, _less(_FAKE)),
    "least_squares": (_against(SquaredError(), 1.0), _against(SquaredError(), 0.0), _against(SquaredError(), 1.0)),
    "hinge": (_against(Hinge(), 1.0), _against(Hinge(), 0.0), _mean(-1.0)),
    "wasserstein": (_mean(-1.0), _mean(1.0), _mean(-1.0)),
}


class Adversarial(Settings):
    """The game of a generator and a discriminator that tells real samples from generated ones: the losses of both, in its raw scores.

    Parameters
    ----------
    kind : {'non_saturating', 'minimax', 'least_squares', 'hinge', 'wasserstein'}, default='non_saturating'
        non_saturating: log losses, the generator's that of being taken for real; minimax: the generator maximises what the discriminator
        minimises, which teaches little while it is told apart easily; least_squares: half squared errors to 1 and 0; hinge: margins of
        1, and the mean score; wasserstein: differences of mean scores, with `gradient_penalty` beside.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    I. Goodfellow et al. (2014), Generative adversarial nets, NeurIPS.
    X. Mao et al. (2017), Least squares generative adversarial networks, ICCV.
    J. H. Lim and J. C. Ye (2017), Geometric GAN, arXiv:1705.02894: hinge.
    M. Arjovsky, S. Chintala and L. Bottou (2017), Wasserstein generative adversarial networks, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> game = losses.Adversarial("hinge")
    >>> value, (in_real, in_fake) = game.discriminator([0.5, 2.0], [-2.0, 0.5])
    >>> value, in_real, in_fake
    (1.0, array([-0.5,  0. ]), array([0. , 0.5]))
    >>> game.generator([-2.0, 0.5])
    (0.75, array([-0.5, -0.5]))
    """

    name = "adversarial"
    kind: str

    def __init__(self, kind: str = "non_saturating") -> None:
        self._keep({"kind": choice("kind", kind, *_GAMES)})

    def discriminator(self, real: ArrayLike, fake: ArrayLike) -> tuple[float, tuple[Array, Array]]:
        """The loss of the discriminator, the sum of two means, and its derivatives in both scores.

        Parameters
        ----------
        real, fake : array_like of any shapes
            Raw scores of real and of generated samples.

        Returns
        -------
        value : float
        gradients : tuple of two ndarrays, of the shapes of real and fake
        """
        of_real, of_fake, _ = _GAMES[self.kind]
        (value, in_real), (other, in_fake) = of_real(_scores("real", real)), of_fake(_scores("fake", fake))
        return value + other, (in_real, in_fake)

    def generator(self, fake: ArrayLike) -> tuple[float, Array]:
        """The loss of the generator, and its derivative in the scores of its samples.

        Parameters
        ----------
        fake : array_like of any shape
            Raw scores of generated samples.

        Returns
        -------
        value : float
        gradient : ndarray of the shape of fake
        """
        return _GAMES[self.kind][2](_scores("fake", fake))


def _scores(name: str, given: ArrayLike) -> Array:
    p = _array(name, given)
    if p.size == 0:
        raise ValueError(f"{name} must hold at least one score, got shape {p.shape}")
    _refuse(name, p, *DOMAINS["real"])
    return p


def gradient_penalty(gradients: ArrayLike, target: float = 1.0) -> tuple[float, Array]:
    """Mean of (‖g‖ − target)² over samples, g being the gradient of the discriminator in a sample, and its derivative in these.

    Parameters
    ----------
    gradients : array_like of shape (n, …)
        Of each sample.
    target : float, at least 0, default=1.0
        The norm that they should have.

    Returns
    -------
    value : float
    gradient : ndarray of the shape of gradients; 0 where a gradient is 0

    References
    ----------
    I. Gulrajani et al. (2017), Improved training of Wasserstein GANs, NeurIPS.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.gradient_penalty([[3.0, 4.0]])
    (16.0, array([[4.8, 6.4]]))
    """
    g, target = _scores("gradients", gradients), number("target", target, at_least=0)
    rows = g.reshape(len(g), -1) if g.ndim else g.reshape(1, 1)
    size = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    share = np.divide(2 * (size - target), size * len(rows), out=np.zeros_like(size), where=size > 0)
    value = float(((size - target) ** 2).mean())
    return value, np.asarray((rows * share[:, None]).astype(g.dtype).reshape(g.shape))
