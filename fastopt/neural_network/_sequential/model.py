"""`Sequential`: a network as a list of layers, with Keras's names and meanings.

Used by users, through fastopt.neural_network.  What layers, losses, metrics, callbacks and files are is in the modules beside this one.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, flag, integer
from fastopt._common.rules import real, refuse
from fastopt.exceptions import InvalidParameterError
from fastopt.losses import Loss
from fastopt.optimizers import Optimizer
from fastopt.schedules._base import LearningRate

from . import data, files, state
from .callbacks import Callbacks, Logs
from .data import Rows
from .heads import Head
from .history import History, Progress, line_of
from .layers import Layer
from .metrics import measured
from .summary import summary_of
from .training import Training

Array = NDArray[Any]
#: X and y, and weights of rows if there are three
Validation = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike]
_BATCH = 32


class Sequential(state.State):
    """A network of layers, one after the other, on an engine that runs an epoch in one compiled call.

    Names and meanings are Keras's.  What differs: weights of rows make a weighted mean of the losses of a batch, so that a row of weight 2 counts
    as twice the row (Keras divides by the number of rows); metrics of training rows are measured after the epoch, with its weights; callbacks
    are told of epochs, not of batches; a loss that is not finite ends the fit with an error, and the weights before it are kept.

    Parameters
    ----------
    layers : list of layers, optional
        `Input` (or none: the first `fit` tells how many columns X has), `Dense`, `Activation`, `Dropout`.
    name : str, default='sequential'
    dtype : {'float32', 'float64'}, default='float32'
        Of weights and predictions.
    random_state : int, RandomState or None, default=None
        What first weights and orders of rows are drawn from; an int gives the same answers each time.
    n_threads : int or None, default=None
        None: all that are there.  Results do not depend on it.

    Attributes
    ----------
    history : History
        Of the last fit.
    stop_training : bool
        What callbacks set to end a fit after the epoch.

    Raises
    ------
    InvalidParameterError
        If a layer cannot stand where it stands.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network import Dense, Sequential
    >>> X = np.linspace(-1, 1, 100)
    >>> y = 3 * X + 2
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile(optimizer="adam", loss="mse", learning_rate=0.05)
    >>> history = model.fit(X, y, epochs=200)
    >>> model.predict([0.5]).round(2).tolist()
    [[3.5]]
    >>> kernel, bias = model.get_weights()
    >>> kernel.round(2).tolist(), bias.round(2).tolist()
    ([[3.0]], [2.0])
    """

    history: History

    def __init__(self, layers: Iterable[Layer] | None = None, *, name: str = "sequential", dtype: str = "float32",
                 random_state: int | np.random.RandomState | None = None, n_threads: int | None = None) -> None:
        self._begin([] if layers is None else list(layers), name, choice("dtype", np.dtype(dtype).name, "float32", "float64"), random_state,
                    None if n_threads is None else integer("n_threads", n_threads, 1))
        self.stop_training = False

    def add(self, layer: Layer) -> None:
        """Put a layer behind the last one, before the model has weights.

        Parameters
        ----------
        layer : layer
        """
        if self._has_weights:
            raise InvalidParameterError("layers must be complete before the model has weights, got another one after")
        self._set_layers([*self.layers, layer])

    def compile(self, optimizer: str | Optimizer | Callable[[list[Array]], Optimizer] = "adam", loss: str | Loss | None = None,
                metrics: Sequence[str | Callable[[Array, Array], float]] | str | None = None, *, learning_rate: LearningRate | None = None,
                optimizer_params: Mapping[str, Any] | None = None) -> None:
        """Say how the model learns; weights stay, the optimizer begins anew.

        Parameters
        ----------
        optimizer : str, Optimizer or callable, default='adam'
            A name of ``fastopt.optimizers.names()``, with Keras's settings where Keras has it; an optimizer, whose settings are taken; or what makes
            one of a list of arrays, as ``functools.partial(optimizers.SGD, momentum=0.9)`` does.
        loss : str, Loss or None, default=None
            None is refused.
            A name of fastopt.losses or Keras's: 'mse', 'mae', 'huber', 'binary_crossentropy', 'categorical_crossentropy' (one-hot rows),
            'sparse_categorical_crossentropy' (numbers of classes), 'hinge', 'poisson', …; or a loss.  Cross-entropies after 'sigmoid' and 'softmax'
            are computed from raw scores.
        metrics : list of str or callable, optional
            'accuracy', 'mae', 'mse', 'rmse', 'mape', 'auc', 'precision', 'recall', 'r2_score', …, or functions of y and predictions, both (n, k).
        learning_rate : float or schedule, optional
            That of the optimizer unless given; a schedule of fastopt.schedules is of batches.
        optimizer_params : dict, optional
            Other settings of an optimizer that is given by name.
        """
        if loss is None:
            refuse("loss", "a name, such as 'mse', or a loss of fastopt.losses", loss)
        self._compile(state.Compiled(optimizer, learning_rate, optimizer_params, loss, metrics))

    # ---- learning ----

    def fit(self, X: Any, y: ArrayLike, batch_size: int | None = None, epochs: int = 1, verbose: int | str = "auto",
            callbacks: Sequence[Any] | None = None, validation_split: float = 0.0, validation_data: Validation | None = None,
            shuffle: bool = True, class_weight: Mapping[int, float] | None = None, sample_weight: ArrayLike | None = None,
            initial_epoch: int = 0) -> History:
        """Learn, going on from the weights that there are.

        Parameters
        ----------
        X : array_like of shape (n, d) or (n,), or sparse matrix
        y : array_like of shape (n,) or (n, k)
        batch_size : int or None, default=None
            None: 32.
        epochs : int, default=1
            The number of the epoch to end with, counted from 1.
        verbose : {'auto', 0, 1, 2}, default='auto'
            0: silent; 1: a line that is rewritten; 2: a line an epoch; 'auto': 1 in a terminal, else 0.
        callbacks : list, optional
            `EarlyStopping`, `ModelCheckpoint`, …, or any objects with methods such as ``on_epoch_end(epoch, logs)``.
        validation_split : float, at least 0 and below 1, default=0
            Share of the rows, the last ones, that are measured on and not learnt.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows to be measured on, in place of a share.
        shuffle : bool, default=True
            Whether each epoch has an order of rows of its own.
        class_weight : dict, optional
            Weights by numbers of classes; others weigh 1.  They multiply sample_weight.
        sample_weight : array_like of shape (n,), optional
        initial_epoch : int, default=0
            The epoch to begin with, counted from 0.

        Returns
        -------
        History
            Also in the attribute `history`.

        Raises
        ------
        ValueError
            If the model is not compiled, or X or y do not fit it.
        DivergenceError
            If the loss or weights are not finite; the weights of the epoch before are kept.
        """
        self._check_compiled("fit")
        size, first, last = self._batch(batch_size), integer("initial_epoch", initial_epoch, 0), integer("epochs", epochs, 0)
        shuffles, told = flag("shuffle", shuffle), _verbose(verbose)
        share = real(0, 1, below=True).check("validation_split", validation_split)
        part: tuple[Any, Any, Any] | None = None
        if validation_data is not None:
            part = _parts_of(validation_data)
        elif share:
            (X, y, sample_weight), part = data.split(X, y, sample_weight, share)
        rows = self._rows(X, y, sample_weight, class_weight, "", fits=True)
        held_out = None if part is None else self._rows(*part, None, "validation ", fits=False)
        history = History()
        listeners = Callbacks(callbacks, history)
        steps = -(-len(rows.y) // size)
        self.stop_training = False
        listeners.call("set_params", {"epochs": last, "steps": steps, "verbose": told, "metrics": self._names(held_out is not None)})
        listeners.call("set_model", self)
        head, network = self._head, self._network
        self.history = history
        Training(self, network, rows, head, size, first, last, shuffles, self._rng, listeners, Progress(told, first, last, steps),
                 lambda: self._logs(rows, held_out)).run()
        return history

    def _logs(self, rows: Rows, held_out: Rows | None) -> Logs:
        """The metrics of training rows, and all numbers of validation rows."""
        logs = {} if not self._metrics else self._measure(rows, with_loss=False)
        if held_out is not None:
            logs.update((f"val_{name}", value) for name, value in self._measure(held_out).items())
        return logs

    def _measure(self, rows: Rows, with_loss: bool = True) -> Logs:
        """The mean loss and the metrics of rows."""
        head: Head = self._head
        raw = self._network.forward(rows.X)
        logs = {"loss": head.mean(rows.y, raw, rows.weight)} if with_loss else {}
        if self._metrics:
            logs.update(measured(self._metrics, rows.y, head.predictions(raw), head))
        return logs

    def _rows(self, X: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None, which: str, fits: bool) -> Rows:
        """Rows as the engine takes them; `fits`: they may say how many columns there are."""
        X = data.matrix(X, self._columns, self.dtype, which + "X")
        if fits:
            self._build(X.shape[1])
        self._open()
        y = self._head.targets(y, X.shape[0], self.dtype, which + "y")
        weight = data.weights(sample_weight, class_weight, y, self._head, X.shape[0])
        return Rows(X, y, None if weight is None else weight.astype(self.dtype))

    def _names(self, with_validation: bool) -> list[str]:
        """The names that logs will have."""
        names = ["loss", *self._metrics]
        return names + [f"val_{name}" for name in names] if with_validation else names

    @staticmethod
    def _batch(batch_size: int | None) -> int:
        return _BATCH if batch_size is None else integer("batch_size", batch_size, 1)

    # ---- using ----

    def evaluate(self, X: Any, y: ArrayLike, batch_size: int | None = None, verbose: int | str = 0, sample_weight: ArrayLike | None = None,
                 return_dict: bool = False) -> float | list[float] | dict[str, float]:
        """The mean loss of rows, and the metrics.

        Parameters
        ----------
        X : array_like of shape (n, d) or (n,), or sparse matrix
        y : array_like of shape (n,) or (n, k)
        batch_size : int, optional
            Of no effect: rows go through in blocks.
        verbose : {'auto', 0, 1, 2}, default=0
            Whether the numbers are printed.
        sample_weight : array_like of shape (n,), optional
            Of the loss; metrics do not see weights, as in Keras.
        return_dict : bool, default=False

        Returns
        -------
        float, list of float, or dict
            The loss; with metrics a list of it and them; with return_dict all by name.
        """
        self._check_compiled("evaluate")
        self._batch(batch_size)
        if self._columns is None:
            raise ValueError("evaluate needs weights: fit the model, or begin its layers with Input")
        logs = self._measure(self._rows(X, y, sample_weight, None, "", fits=False))
        if _verbose(verbose):
            print(line_of(logs))
        if flag("return_dict", return_dict):
            return logs
        values = list(logs.values())
        return values if len(values) > 1 else values[0]

    def predict(self, X: Any, batch_size: int | None = None, verbose: int | str = 0) -> Array:
        """The outputs of the last layer.

        Parameters
        ----------
        X : array_like of shape (n, d) or (n,), or sparse matrix
        batch_size : int, optional
            Of no effect: rows go through in blocks.
        verbose : {'auto', 0, 1, 2}, default=0
            Of no effect.

        Returns
        -------
        ndarray of shape (n, k)
        """
        self._batch(batch_size)
        _verbose(verbose)
        X = data.matrix(X, self._columns, self.dtype)
        self._build(X.shape[1])
        self._open()
        return self._head.predictions(self._network.forward(X))

    def summary(self, print_fn: Callable[[str], object] | None = None) -> None:
        """Print the layers, their outputs and the number of their weights.

        Parameters
        ----------
        print_fn : callable, optional
            What each line is given to; None: print.

        Examples
        --------
        >>> from fastopt.neural_network import Dense, Input, Sequential
        >>> Sequential([Input(20), Dense(32, "relu"), Dense(1, "sigmoid")]).summary()
        Model: "sequential"
        ┌──────────────────┬──────────────┬─────────┐
        │ Layer (type)     │ Output Shape │ Param # │
        ├──────────────────┼──────────────┼─────────┤
        │ dense (Dense)    │ (None, 32)   │     672 │
        │ dense_1 (Dense)  │ (None, 1)    │      33 │
        └──────────────────┴──────────────┴─────────┘
        Total params: 705 (2.75 KB)
        """
        for line in summary_of(self.name, self.layers, self._columns, np.dtype(self.dtype).itemsize):
            (print_fn or print)(line)

    def count_params(self) -> int:
        """The number of weights.

        Returns
        -------
        int
        """
        return sum(array.size for array in self.get_weights())

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write layers, settings, weights, the optimizer's state and the state of the random numbers to a file; no code, no pickle.

        Parameters
        ----------
        path : path-like
            An existing file is replaced, at once and whole.

        Raises
        ------
        TypeError
            If a function is among loss, metrics or learning_rate, which a file cannot hold.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastopt.neural_network import Dense, Sequential
        >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
        >>> model = Sequential([Dense(2, "relu"), Dense(1)], random_state=0)
        >>> before = model.predict([[1.0, 2.0]])
        >>> model.save(path)
        >>> bool((Sequential.load(path).predict([[1.0, 2.0]]) == before).all())
        True
        """
        files.write(path, self._as_data())

    @classmethod
    def load(cls, path: str | os.PathLike[str], max_bytes: int | None = None) -> Sequential:
        """Read a model that `save` wrote; it predicts and goes on learning to the bit.

        Parameters
        ----------
        path : path-like
        max_bytes : int, optional
            A file whose arrays are larger is refused; None: 1 GB.

        Returns
        -------
        Sequential

        Raises
        ------
        ValueError
            If the file is none of `save`, or damaged.
        """
        tree = files.read(path, max_bytes)
        try:
            model = cls(files.layers_of(tree["layers"]), name=tree["name"], dtype=tree["dtype"])
            model._take_data(tree)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ValueError(f"{os.fspath(path)} is not a usable fastopt network: {error or type(error).__name__}") from error
        return model

    def __repr__(self) -> str:
        return f"<Sequential name={self.name}, layers={self.layers!r}>"


def _verbose(verbose: int | str) -> int:
    """0, 1 or 2."""
    if isinstance(verbose, str):
        choice("verbose", verbose, "auto")
        return int(sys.stdout.isatty())
    return integer("verbose", int(verbose) if isinstance(verbose, bool) else verbose, 0, 2)


def _parts_of(validation_data: Any) -> tuple[Any, Any, Any]:
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        refuse("validation_data", "(X, y) or (X, y, sample_weight)", validation_data)
    X, y, *weight = validation_data
    return X, y, weight[0] if weight else None


Sequential.__module__ = "fastopt.neural_network"
