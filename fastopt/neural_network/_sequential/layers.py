"""The layers that a `Sequential` is made of, and what a list of them means to the engine.

Used by the model of this room and by what saves it.  Layers are settings, without weights: those are the model's.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fastopt._common.checks import integer
from fastopt._common.rules import choice, real, refuse
from fastopt._common.settings import Settings
from fastopt.exceptions import InvalidParameterError
from fastopt.neural_network._initialisers import DRAWS

#: the engine's activations by Keras's names; leaky_relu has Keras's slope
ACTIVATIONS: dict[str, str | tuple[str, float]] = {
    "linear": "identity", "sigmoid": "logistic", "swish": "silu", "hard_silu": "hard_swish", "leaky_relu": ("leaky_relu", 0.2),
    **{name: name for name in ("relu", "tanh", "elu", "selu", "softplus", "gelu", "gelu_tanh", "silu", "mish", "exponential", "hard_tanh",
                               "hard_sigmoid", "hard_swish", "relu6")},
    "identity": "identity", "logistic": "logistic",
}
#: of the last layer alone
SOFTMAX = "softmax"
_ACTIVATION = choice(*ACTIVATIONS, SOFTMAX)
_INITIALIZER = choice("auto", *DRAWS)
_RATE = real(0, 1, below=True)
#: those that half of the units, or about half, do not pass through
_RECTIFIED = {"relu", "relu6", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "swish", "mish", "hard_swish", "hard_silu", "softplus"}


class Layer(Settings):
    """What all layers have in common: settings that do not change."""

    kinds: ClassVar[dict[str, type[Layer]]] = {}

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.neural_network"
        Layer.kinds[cls.__name__] = cls


def _name(owner: str, name: object) -> None:
    if name is not None and not (isinstance(name, str) and name):
        refuse("name", "a string, or None", name, owner=owner)


class Input(Layer):
    """How many columns X has; a model that begins with it has its weights at once.

    Parameters
    ----------
    shape : int or tuple of one int
        Columns of X.
    name : str or None, default=None

    Examples
    --------
    >>> from fastopt.neural_network import Dense, Input, Sequential
    >>> [w.shape for w in Sequential([Input(3), Dense(2)]).get_weights()]
    [(3, 2), (2,)]
    """

    shape: tuple[int]

    def __init__(self, shape: int | tuple[int], name: str | None = None) -> None:
        size = shape[0] if isinstance(shape, (tuple, list)) and len(shape) == 1 else shape
        if isinstance(size, (tuple, list)):
            refuse("shape", "a number of columns, or a tuple of it", shape, owner="Input")
        _name("Input", name)
        self._keep({"shape": (integer("shape of Input", size, 1),), "name": name})


class Dense(Layer):
    """Units that are connected to all of the layer before: activation(x·kernel + bias).

    Parameters
    ----------
    units : int
        How many.
    activation : str or None, default=None
        'relu', 'sigmoid', 'tanh', 'elu', 'selu', 'softplus', 'gelu', 'gelu_tanh', 'silu' ('swish'), 'mish', 'leaky_relu', 'relu6', 'exponential',
        'hard_sigmoid', 'hard_silu', 'hard_tanh', 'linear', and of the last layer 'softmax'.  None is 'linear'.
    kernel_initializer : str, default='auto'
        'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_normal' or 'orthogonal'; 'auto': what suits the activation, He's of
        relu and its kin, LeCun's of selu, Glorot's (Keras's default of all) of the others.  Biases begin at 0.
    input_shape : int or tuple of one int, optional
        Of the first layer, columns of X, as `Input` says them.
    name : str or None, default=None

    Examples
    --------
    >>> from fastopt.neural_network import Dense
    >>> Dense(32, "relu").units
    32
    """

    units: int
    activation: str
    kernel_initializer: str
    input_shape: tuple[int] | None

    def __init__(self, units: int, activation: str | None = None, kernel_initializer: str = "auto", *,
                 input_shape: int | tuple[int] | None = None, name: str | None = None) -> None:
        activation = "linear" if activation is None else _ACTIVATION.check("activation", activation, "Dense")
        columns = None if input_shape is None else Input(input_shape).shape
        _name("Dense", name)
        self._keep({"units": integer("units of Dense", units, 1), "activation": activation,
                    "kernel_initializer": _INITIALIZER.check("kernel_initializer", kernel_initializer, "Dense"), "input_shape": columns,
                    "name": name})

    def __reduce__(self) -> tuple[Any, ...]:
        return _dense, (self.params,)


def _dense(params: dict[str, Any]) -> Dense:
    return Dense(**params)


class Activation(Layer):
    """The activation of the layer before, which has none of its own.

    Parameters
    ----------
    activation : str
        As of `Dense`.
    name : str or None, default=None

    Examples
    --------
    >>> from fastopt.neural_network import Activation, Dense, Sequential
    >>> model = Sequential([Dense(8), Activation("relu"), Dense(1)])
    >>> model.predict([[0.0, 0.0]]).tolist()
    [[0.0]]
    """

    activation: str

    def __init__(self, activation: str, name: str | None = None) -> None:
        _name("Activation", name)
        self._keep({"activation": _ACTIVATION.check("activation", activation, "Activation"), "name": name})


class Dropout(Layer):
    """Leave a share of what comes in out while the model learns, and make the rest larger for it; in predictions nothing is left out.

    Parameters
    ----------
    rate : float, at least 0 and below 1
        The share.
    name : str or None, default=None

    Examples
    --------
    >>> from fastopt.neural_network import Dense, Dropout, Sequential
    >>> model = Sequential([Dense(8, "relu"), Dropout(0.25), Dense(1)], random_state=0)
    >>> bool(model.predict([[1.0]]) == model.predict([[1.0]]))
    True
    """

    rate: float

    def __init__(self, rate: float, name: str | None = None) -> None:
        _name("Dropout", name)
        self._keep({"rate": _RATE.check("rate", rate, "Dropout"), "name": name})


class Unit(NamedTuple):
    """A layer of the engine."""
    units: int
    activation: str
    initializer: str
    dropout: float      # of what comes in


def columns_of(layers: Sequence[Layer]) -> int | None:
    """The columns of X that the layers ask for."""
    first = layers[0]
    if isinstance(first, Input):
        return first.shape[0]
    return first.input_shape[0] if isinstance(first, Dense) and first.input_shape else None


def units_of(layers: Sequence[Layer]) -> list[Unit]:
    """The engine's layers that a list of layers means, which is checked."""
    found: list[Unit] = []
    left_out = 0.0
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            refuse(f"layers[{i}]", "a layer: " + ", ".join(Layer.kinds), layer)
        if isinstance(layer, Input):
            if i > 0:
                raise InvalidParameterError(f"layers[{i}] is an Input, which may only be the first layer")
        elif isinstance(layer, Dense):
            if i > 0 and layer.input_shape is not None:
                raise InvalidParameterError(f"layers[{i}] has an input_shape, which only the first layer may have")
            found.append(Unit(layer.units, layer.activation, layer.kernel_initializer, left_out))
            left_out = 0.0
        elif isinstance(layer, Dropout):
            left_out = 1 - (1 - left_out) * (1 - layer.rate)
        elif isinstance(layer, Activation):
            if not found or found[-1].activation != "linear" or isinstance(layers[i - 1], Dropout):
                raise InvalidParameterError(f"layers[{i}] must follow a Dense without activation, of which it is the activation; got "
                                            f"{layer!r} after {layers[i - 1]!r}" if i else "layers[0] must be Dense or Input, got an Activation")
            found[-1] = found[-1]._replace(activation=layer.activation)
    for unit in found[:-1]:
        if unit.activation == SOFTMAX:
            raise InvalidParameterError("activation must be that of the last layer where it is 'softmax', got it before others")
    return found


def initializer_of(unit: Unit) -> str:
    """How the weights of a layer are drawn."""
    if unit.initializer != "auto":
        return unit.initializer
    return "he_uniform" if unit.activation in _RECTIFIED else "lecun_normal" if unit.activation == "selu" else "glorot_uniform"


def draw(units: Sequence[Unit], columns: int, rng: np.random.RandomState) -> list[Any]:
    """Kernels and biases, in the order of the layers."""
    arrays = []
    for unit in units:
        arrays += [DRAWS[initializer_of(unit)](rng, columns, unit.units), np.zeros(unit.units)]
        columns = unit.units
    return arrays


def names_of(layers: Sequence[Layer]) -> list[str]:
    """A name for each layer: its own, or its kind's with a number, as Keras has it."""
    counts: dict[str, int] = {}
    names = []
    for layer in layers:
        kind = type(layer).__name__.lower()
        number = counts.setdefault(kind, 0)
        counts[kind] += 1
        names.append(layer.params["name"] or (f"{kind}_{number}" if number else kind))
    return names
