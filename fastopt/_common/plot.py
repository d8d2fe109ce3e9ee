"""Pictures: of a run, with training loss and validation score by epoch; of a schedule, with its rates by step.

Used by the command, by schedules, by networks and by the examples; knows none of them.
matplotlib is imported when a picture is drawn, and never opens a window.
"""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .extras import needs

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes  # for the schedules, too
    from matplotlib.figure import Figure

#: a number an epoch or a step
Curve: TypeAlias = Sequence[float] | NDArray[np.float64]

BLUE, ORANGE, GREY = "#0b6fa4", "#d1572b", "#7a7a7a"


def plot_rates(rates: Curve, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the rate of each step, from 0, into `ax` or a new figure of pyplot's; returns the axes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from fastopt._common.plot import plot_rates
    >>> plot_rates([0.1, 0.05], "two steps").get_title()
    'two steps'
    """
    if ax is None:
        with needs("plot", "plot"):
            from matplotlib import pyplot
        ax = pyplot.subplots(layout="constrained")[1]
        ax.set_title(title, fontsize="medium")
        ax.set(xlabel="step", ylabel="learning rate")
    ax.plot(range(len(rates)), rates, label=title)
    return ax


def plot_epochs(epochs: Sequence[int], panels: Mapping[str, Mapping[str, Curve]], axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw curves by epoch, a panel for each name and its curves by their labels, into `axes` or a new figure of pyplot's; returns the axes.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from fastopt._common.plot import plot_epochs
    >>> [axis] = plot_epochs([1, 2], {"loss": {"training": [0.5, 0.4], "validation": [0.6, 0.5]}})
    >>> axis.get_ylabel(), len(axis.lines)
    ('loss', 2)
    """
    if axes is None:
        with needs("plot", "plot"):
            from matplotlib import pyplot
        figure = pyplot.figure(layout="constrained", figsize=(7, 2.2 * len(panels) + 1))
        axes = [figure.add_subplot(len(panels), 1, i + 1) for i in range(len(panels))]
    drawn = list(axes)
    for axis, (name, curves) in zip(drawn, panels.items()):
        for (label, values), colour in zip(curves.items(), (BLUE, ORANGE, GREY)):
            axis.plot(epochs[-len(values):], values, color=colour, label=label)
        axis.set_ylabel(name)
        axis.legend()
    drawn[-1].set_xlabel("epoch")
    return drawn


def plot_curves(path: str | os.PathLike[str] | IO[bytes], loss_curve: Curve, validation_curve: Curve = (), *,
                title: str = "", loss_name: str = "training loss",
                score_name: str = "validation score", best_epoch: int | None = None,
                saved_epoch: int | None = None, kind: str | None = None) -> None:
    r"""Draw the loss, and under it the validation score, of each epoch, the best epoch marked.

    Parameters
    ----------
    path : path-like or binary stream
        Where the picture goes; the suffix of a path chooses the format.
    loss_curve : sequence of float
        Mean training loss of each epoch.
    validation_curve : sequence of float
        Score of each epoch; may be empty.
    title : str
        A first line in bold; lines after a ``\n`` are smaller.
    loss_name, score_name : str
        Labels of the vertical axes.
    best_epoch : int, optional
        From 1; that of the highest score if None.
    saved_epoch : int, optional
        From 1, that whose weights were kept; then this one is marked, and the best beside it where it is another.
    kind : str, optional
        Format of a picture that goes into a stream, such as 'png'.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastopt._common.plot import plot_curves
    >>> path = os.path.join(tempfile.mkdtemp(), "curve.png")
    >>> plot_curves(path, [0.7, 0.5, 0.4], [0.6, 0.8, 0.75])
    >>> os.path.exists(path)
    True
    """
    with needs("plot", "a picture"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    panels = 2 if len(validation_curve) else 1
    figure = Figure(figsize=(7, 2.6 * panels + 1.0), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    if best_epoch is None and panels == 2:
        best_epoch = 1 + max(range(len(validation_curve)), key=lambda i: validation_curve[i])
    marked = saved_epoch or best_epoch
    _curve(axes[0], loss_curve, BLUE, loss_name, marked, log=_spans_decades(loss_curve))
    if panels == 2 and marked is not None:
        _curve(axes[1], validation_curve, ORANGE, score_name, marked, log=False)
        _mark(axes[1], validation_curve, marked, best_epoch, "best" if saved_epoch is None else "saved")
        _widen(axes[1], 0.02)
    axes[-1].set_xlabel("epoch")
    figure.align_ylabels(axes)
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    _head(figure, axes[0], title)
    figure.savefig(path if hasattr(path, "write") else os.fspath(path), format=kind)


def _spans_decades(values: Curve) -> bool:
    """Whether a logarithmic axis shows more: the values are positive and span more than a factor of 20."""
    return bool(min(values) > 0 and max(values) > 20 * min(values))


def _curve(axis: Axes, values: Curve, colour: str, name: str, best_epoch: int | None, log: bool) -> None:
    epochs = range(1, len(values) + 1)
    axis.plot(epochs, values, color=colour, linewidth=1.8, marker="o" if len(values) <= 25 else None, markersize=3.5)
    if best_epoch is not None:
        axis.axvline(best_epoch, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
    if log:
        axis.set_yscale("log")
    axis.set_ylabel(name)
    axis.grid(True, color="#e6e6e6", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _widen(axis: Axes, least: float) -> None:
    """A range of at least `least`, so that one row more or less does not look like a leap."""
    low, high = axis.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axis.set_ylim(middle - least / 2, middle + least / 2)


def _mark(axis: Axes, scores: Curve, epoch: int, best: int | None, what: str) -> None:
    """A dot, and its value at the foot of the dashed line, on the side that has room: the curve is high there."""
    value, left = scores[epoch - 1], epoch > 0.6 * len(scores)
    text = f"{what}: {value:.4f} in epoch {epoch}"
    if best is not None and best != epoch:
        axis.plot([best], [scores[best - 1]], "o", color=ORANGE, markersize=6.5, markerfacecolor="white", zorder=3)
        text += f"\nbest: {scores[best - 1]:.4f} in epoch {best}, not saved"
    axis.plot([epoch], [value], "o", color=ORANGE, markersize=6.5, markeredgecolor="white", zorder=3)
    axis.annotate(text, (epoch, 0.04), xycoords=("data", "axes fraction"),
                  xytext=(-7 if left else 7, 0), textcoords="offset points", ha="right" if left else "left", fontsize=9,
                  color="#444444", bbox=dict(boxstyle="round,pad=0.2", facecolor="white", edgecolor="none", alpha=0.8))


def _head(figure: Figure, axis: Axes, title: str) -> None:
    """The first line over the figure, the others smaller over its topmost axes."""
    first, _, rest = title.partition("\n")
    figure.suptitle(first, fontsize=11.5, fontweight="bold")
    axis.set_title(rest, fontsize=8.5, color="#555555")
