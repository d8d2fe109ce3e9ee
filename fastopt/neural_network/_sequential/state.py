"""What a model holds: layers, how it learns, weights, the engine's network; made when it is needed, copied, pickled, put into files.

The base of `Sequential`, which learns and predicts with it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from fastopt import losses
from fastopt._common.rules import real, refuse
from fastopt.exceptions import InvalidParameterError
from fastopt.neural_network._engine import Network
from fastopt.schedules._base import LearningRate

from . import files, rules
from .heads import Head, head
from .layers import ACTIVATIONS, SOFTMAX, Dropout, Layer, columns_of, draw, units_of
from .metrics import Metric, metrics_named

Array = NDArray[Any]


class Compiled(NamedTuple):
    """How a model learns, as `compile` was told."""
    optimizer: Any
    learning_rate: Any
    optimizer_params: Mapping[str, Any] | None
    loss: Any
    metrics: Any


def generator(random_state: object) -> np.random.RandomState:
    """What first weights and orders of rows are drawn from."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    try:
        return np.random.RandomState(cast("int | None", random_state))
    except (TypeError, ValueError):
        refuse("random_state", "an integer from 0 to 2**32 - 1, a numpy RandomState, or None", random_state)


class State:
    """Layers, settings and weights.

    While there is a network, weights are in it; before, and in copies, they are a list.
    """

    layers: list[Layer]
    name: str
    dtype: str

    def _begin(self, layers: list[Layer], name: str, dtype: str, random_state: object, n_threads: int | None) -> None:
        if not isinstance(name, str):
            refuse("name", "a string", name)
        self.name, self.dtype, self._n_threads, self._rng = name, dtype, n_threads, generator(random_state)
        self._weights: list[Array] | None = None
        self._network: Any = None
        self._compiled: Compiled | None = None
        self._metrics: dict[str, Metric] = {}
        self._optimizer_state: dict[str, Any] | None = None
        self._rate: LearningRate | None = None
        self._stepped: tuple[list[Array], list[Array]] | None = None   # the weights that an optimizer steps, where those in use are their average
        self._seed: int | None = None                                          # of what Dropout leaves out
        self._set_layers(layers)

    def _set_layers(self, layers: list[Layer]) -> None:
        self.layers, self._units = layers, units_of(layers)
        self._columns = columns_of(layers) if layers else None

    @property
    def _has_weights(self) -> bool:
        return self._weights is not None or self._network is not None

    # ---- learning ----

    @property
    def _head(self) -> Head:
        """The last layer with the loss; of a model that is not compiled, without."""
        last = self._last()
        if self._compiled is not None:
            return head(self._compiled.loss, last.activation, last.units)
        if last.activation == SOFTMAX:
            return head("sparse_categorical_crossentropy", SOFTMAX, last.units)
        return Head(ACTIVATIONS[last.activation], losses.SquaredError(), False, last.units, False)

    def _last(self) -> Any:
        if not self._units:
            raise InvalidParameterError("layers must have one Dense at least, got none")
        if isinstance(self.layers[-1], Dropout):
            raise InvalidParameterError("layers must not end with a Dropout, which leaves out what the next Dense sees")
        return self._units[-1]

    def _compile(self, compiled: Compiled) -> None:
        """Take how the model learns, all of it or, after an error, nothing."""
        last = self._units[-1] if self._units else None
        if last is not None:
            head(compiled.loss, last.activation, last.units)
        metrics = metrics_named(compiled.metrics)
        rules.template(*compiled[:3])
        if self._network is not None:
            self._weights = self.get_weights()
        self._compiled, self._metrics, self._network, self._optimizer_state, self._rate, self._stepped = compiled, metrics, None, None, None, None

    def _check_compiled(self, what: str) -> None:
        if self._compiled is None:
            raise ValueError(f"{what} must come after compile, which says what the loss is: model.compile(optimizer='adam', loss='mse')")

    # ---- weights ----

    def _build(self, columns: int) -> None:
        """Draw first weights, unless there are some."""
        self._last()
        if not self._has_weights:
            self._weights = [array.astype(self.dtype) for array in draw(self._units, columns, self._rng)]
            self._columns = columns

    def _open(self) -> None:
        """Make the engine's network, unless there is one."""
        if self._network is not None:
            return
        assert self._columns is not None
        self._build(self._columns)
        weights = self._weights
        assert weights is not None
        found, sizes = self._head, (self._columns, *(unit.units for unit in self._units))
        activations: list[Any] = [ACTIVATIONS[unit.activation] for unit in self._units[:-1]]
        dropout = tuple(unit.dropout for unit in self._units)
        if self._seed is None:
            self._seed = int(self._rng.randint(2 ** 31)) if any(dropout) else 0
        network = Network(sizes, [*activations, found.activation], found.loss, self.dtype, value_scale=found.scale, dropout=dropout,
                          seed=self._seed, n_threads=self._n_threads)
        network.gradient_scale = found.scale
        network.set_weights(weights[::2], weights[1::2])
        self._start(network)
        self._network, self._weights = network, None

    def _start(self, network: Any) -> None:
        """Give the optimizer to a network, in the state that it was left in."""
        if self._compiled is None:
            return
        network.start(rules.template(*self._compiled[:3]))
        if self._optimizer_state is not None:
            network.set_state(self._optimizer_state)
        if self._rate is not None:
            network.learning_rate = self._rate
        self._optimizer_state = self._rate = None

    def _renew(self, weights: list[Array]) -> Any:
        """A new network with these weights, whose optimizer begins anew at the learning rate that it has."""
        self._rate, self._weights, self._network, self._optimizer_state = self._network.learning_rate, weights, None, None
        self._stepped = None
        self._open()
        return self._network

    @property
    def learning_rate(self) -> LearningRate:
        """The learning rate of the next step, or the schedule; it can be set."""
        self._check_compiled("learning_rate")
        if self._network is not None:
            rate: LearningRate = self._network.learning_rate
            return rate
        if self._rate is not None:
            return self._rate
        assert self._compiled is not None
        first: LearningRate = rules.template(*self._compiled[:3]).param_groups[0]["lr"]
        return first

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        self._check_compiled("learning_rate")
        value = value if callable(value) else real(0).check("learning_rate", value)
        if self._network is not None:
            self._network.learning_rate = value
        else:
            self._rate = value

    def get_weights(self) -> list[Array]:
        """Kernels (in, out) and biases (out,), layer by layer, new arrays.

        Returns
        -------
        list of ndarray
        """
        if self._network is not None:
            return [array for pair in zip(*self._network.get_weights()) for array in pair]
        self._need_columns()
        assert self._weights is not None
        return [array.copy() for array in self._weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take weights; the optimizer's state stays.

        Parameters
        ----------
        weights : list of array_like
            As `get_weights` gives them.

        Raises
        ------
        ValueError
            If they are not as many, or of other shapes, or not finite; nothing is changed.
        """
        old = self.get_weights()
        if len(weights) != len(old):
            raise ValueError(f"weights must be {len(old)} arrays, a kernel and a bias a layer, got {len(weights)}")
        new = [np.asarray(array, dtype=self.dtype) for array in weights]
        for i, (array, own) in enumerate(zip(new, old)):
            if array.shape != own.shape:
                raise ValueError(f"weights[{i}] must have shape {own.shape}, got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"weights[{i}] must be finite")
        self._stepped = None
        if self._network is not None:
            self._network.set_weights(new[::2], new[1::2])
        else:
            self._weights = [array.copy() for array in new]

    def _need_columns(self) -> None:
        """Draw weights if the number of columns is known."""
        if self._columns is None:
            raise ValueError("the model has no weights yet: fit it, or begin its layers with Input")
        self._build(self._columns)

    # ---- copies and files ----

    def __getstate__(self) -> dict[str, Any]:
        held = dict(self.__dict__)
        if self._network is not None:
            held["_weights"] = self.get_weights()
            if self._compiled is not None:
                held["_optimizer_state"], held["_rate"] = self._network.get_state(), self._network.learning_rate
        held["_network"], held["_metrics"] = None, {}
        return held

    def __setstate__(self, held: dict[str, Any]) -> None:
        self.__dict__.update(held)
        self._metrics = metrics_named(None if self._compiled is None else self._compiled.metrics)

    def _as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        held, compiled = self.__getstate__(), None
        if self._compiled is not None:
            named = list(self._metrics)
            if any(callable(metric) for metric in np.atleast_1d(np.asarray(self._compiled.metrics, dtype=object))):
                raise TypeError(f"a model file cannot hold functions as metrics, got {self._compiled.metrics!r}")
            compiled = {"loss": files.loss_as_data(self._compiled.loss), "metrics": named, "state": held["_optimizer_state"],
                        "optimizer": files.settings_as_data(self._fresh_optimizer().state_dict())}
        kind, keys, *rest = self._rng.get_state(legacy=True)
        return {"name": self.name, "dtype": self.dtype, "layers": files.layers_as_data(self.layers), "columns": self._columns,
                "weights": held["_weights"], "stepped": self._stepped, "seed": self._seed, "compiled": compiled, "random": [kind, keys, *rest]}

    def _fresh_optimizer(self) -> Any:
        """An optimizer of nothing, with the settings to start from."""
        assert self._compiled is not None
        found: Any = rules.template(*self._compiled[:3]).anew([np.zeros((1, 1))])
        found.param_groups[0]["lr"] = self.learning_rate
        return found

    def _take_data(self, tree: Mapping[str, Any]) -> None:
        """Become what `_as_data` told."""
        if tree["columns"] is not None:
            self._columns = int(tree["columns"])
        self._seed = None if tree["seed"] is None else int(tree["seed"])
        if tree["weights"] is not None:
            self._need_columns()
            self.set_weights(tree["weights"])
        compiled = tree["compiled"]
        if compiled is not None:
            optimizer = rules.named(*files.settings_of(compiled["optimizer"]))
            self._compile(Compiled(optimizer, None, None, files.loss_of(compiled["loss"]), compiled["metrics"]))
            if compiled["state"] is not None:
                self._optimizer_state = compiled["state"]
                self._open()
        if tree["stepped"] is not None:
            self._stepped = tree["stepped"][0], tree["stepped"][1]
        kind, keys, *rest = tree["random"]
        self._rng.set_state((kind, keys, *rest))
