"""What all optimizers have in common: parameters, groups and their settings, state that can be saved, the register of names.

Used by the modules that hold the optimizers, _optimizer_*.py.  The mathematics is in csrc/rules*.h, the step over arrays
in _update.pyx; nothing here touches single elements.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ._core import RULE_NAMES
from ._optimizer_docs import filled
from ._optimizer_params import grouped
from ._optimizer_settings import GLOBAL, OPTIONS, check, refuse_unknown
from ._optimizer_state import checked, load_schedules
from ._update import Update
from .exceptions import InvalidParameterError

Array = NDArray[Any]

#: classes by name
registry: dict[str, type[Optimizer]] = {}

#: settings that go to the kernels under another name
_FIELDS = {"alpha": "beta2", "rho": "beta1", "clip_value": "clip", "weight_decay": "l2"}
_NEUTRAL = {"kind": 0, "flag": 0, "lr": 0.0, "beta1": 0.0, "beta2": 0.0, "beta3": 0.0, "eps": 0.0, "momentum": 0.0,
            "dampening": 0.0, "l2": 0.0, "decay": 0.0, "l1": 0.0, "clip": math.inf, "a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}


class Optimizer(Update):
    """What all optimizers have in common.

    Parameters
    ----------
    params : ndarray, list of ndarray, or list of dict
        What to optimise: float32 or float64 arrays, also mixed, changed in place by each step.  They must be writeable,
        aligned, C- or F-contiguous, and must not overlap.  A list of dicts makes parameter groups: ``{"params": arrays,
        "lr": 0.1, …}``, each with settings of its own.
    lr : float or callable
        Learning rate, or a schedule: a callable of the step, from 0.
    l1 : float, default=0
        Strength of an L1 penalty, applied by a proximal step: weights become exactly 0.
    clip_value : float or None, default=None
        Gradients are clipped to [−clip_value, clip_value].
    clip_norm, clip_global_norm : float or None, default=None
        Gradients whose norm is larger, that of one array, then that of all together, are scaled down to it; before
        `clip_value`.
    maximize : bool, default=False
        Ascend instead of descend.
    nonfinite : {'raise', 'skip', 'late'}, default='raise'
        What happens at a gradient with nan or infinity: an error, or the step is skipped and counted in `skipped`;
        nothing is changed in either case, for which gradients are read twice.  'late' reads them once and finds out on
        the way: an error too, but parameters and state are lost.  It saves an eighth of the time where gradients are
        larger than the caches.
    n_threads : int or None, default=None
        Threads for large arrays; None: as many as allowed.  Results do not depend on it.

    Attributes
    ----------
    params : list of ndarray
        The parameters.
    param_groups : list of ParamGroup
        The groups: mappings of settings, which can be changed between steps.
    t : int
        Steps taken.
    skipped : int
        Steps skipped for their gradients.
    """

    name: ClassVar[str] = ""
    #: the rules of csrc/lists.h that it stands for, and the names of their arrays of state
    kinds: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: weight decay shrinks the weights themselves, beside the step
    decoupled: ClassVar[bool] = False
    #: the kinds that take row-sparse gradients
    sparse: ClassVar[tuple[str, ...]] = ()
    param_groups: list[ParamGroup]
    state_names: tuple[str, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__doc__ = filled(cls)
        if cls.name:
            registry[cls.name] = cls

    def _build(self, params: Any, settings: dict[str, Any], options: Mapping[str, Any], **passes: Any) -> None:
        """What constructors do: settings checked, arrays and their state made ready; `passes` go to `_setup`."""
        refuse_unknown(type(self).__name__, options, [*settings, *OPTIONS])
        defaults = {name: check(name, value) for name, value in {**settings, **OPTIONS, **options}.items()}
        self._single = isinstance(params, np.ndarray)
        arrays, places, groups = grouped(params, defaults, type(self).__name__)
        self._common = {name: defaults[name] for name in GLOBAL}
        kind = self._one_kind(groups)
        self.state_names = self._state_names(kind)
        self.param_groups = [ParamGroup(self, i, group) for i, group in enumerate(groups)]
        rules = [self._rule(group) for group in groups]
        states = [self._states(w, groups[place]) for w, place in zip(arrays, places)]
        carries = [self._carry(group, [w for w, place in zip(arrays, places) if place == i])
                   for i, group in enumerate(groups)]
        self._setup(arrays, places, states, rules, carries, n_threads=defaults["n_threads"],
                    lazy=kind in self.sparse and not passes.get("packing"), **passes)
        self._bound()

    def _bound(self) -> None:
        """Hand on what holds for all groups."""
        own = self._common
        self.set_bounds(own["clip_norm"] or math.inf, own["clip_global_norm"] or math.inf, own["maximize"], own["nonfinite"])

    # ---- what a rule says of itself ----

    def _kind(self, settings: Mapping[str, Any]) -> str:
        """Name of the rule in csrc/lists.h: the first of `kinds`, or as the settings say."""
        return next(iter(self.kinds))

    def _one_kind(self, groups: list[dict[str, Any]]) -> str:
        kinds = [self._kind(group) for group in groups]
        if len(set(kinds)) > 1:
            raise InvalidParameterError(f"params must be groups of one rule, got settings for {', '.join(kinds)}")
        return kinds[0]

    def _state_names(self, kind: str) -> tuple[str, ...]:
        return self.kinds[kind]

    def _fields(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of the rule that no setting is named after."""
        return {}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array | None:
        """An array of the state before the first step; None where w needs none of that name."""
        return np.zeros_like(w)

    def _carry(self, settings: Mapping[str, Any], arrays: list[Array]) -> list[float]:
        """What a group carries from step to step, before the first."""
        return []

    def _averaged(self, w: Array, state: Mapping[str, Array], settings: Mapping[str, Any]) -> Array:
        """The point that the rule recommends, where it is not w."""
        return w

    # ---- between settings and kernels ----

    def _states(self, w: Array, settings: Mapping[str, Any]) -> list[Array | None]:
        return [self._initial(name, w, settings) for name in self.state_names]

    def _rule(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        fields = dict(_NEUTRAL, kind=RULE_NAMES.index(self._kind(settings)))
        for name, value in settings.items():
            field = _FIELDS.get(name, name)
            if name == "betas":
                fields["beta1"], fields["beta2"] = value
            elif name == "weight_decay" and (self.decoupled or settings.get("decoupled_weight_decay", False)):
                fields["decay"] = value
            elif field in fields and name not in ("lr", "d"):
                fields[field] = math.inf if value is None else value
        lr = settings["lr"]
        return {**fields, **self._fields(settings)}, lr if callable(lr) else float(lr)

    def _regroup(self, group: ParamGroup, settings: dict[str, Any]) -> None:
        """New settings for a group; refused if they need other state."""
        if self._kind(settings) != self._kind(group.settings):
            changed = {name: value for name, value in settings.items() if value != group.settings[name]}
            raise InvalidParameterError(f"settings that need other arrays of state cannot change after construction, got {changed}")
        self.set_rule(group.number, *self._rule(settings))

    # ---- state ----

    def solution(self) -> Array | list[Array]:
        """The point to use: `params` themselves, or the average where the rule recommends one (ASGD, schedule-free).

        Returns
        -------
        ndarray or list of ndarray
            As `params` was given.
        """
        found = [self._averaged(w, self._named(state), self.param_groups[self._place(i)].settings)
                 for i, (w, state) in enumerate(zip(self.params, self.states))]
        return found[0] if self._single else found

    def _place(self, i: int) -> int:
        return next(g.number for g in self.param_groups if any(w is self.params[i] for w in g["params"]))

    def state_dict(self) -> dict[str, Any]:
        """All that the next steps depend on, beside the parameters: settings, counters and copies of the state.

        Returns
        -------
        dict
            Of numbers, strings, lists and arrays; schedules by their own `state_dict`.
        """
        return {"rule": self.name, "t": self.t, "skipped": self.skipped, "carry": self.carries,
                "groups": [_saved({**group.settings, **self._common}) for group in self.param_groups],
                "state": [{name: array.copy() for name, array in self._named(state).items()} for state in self.states]}

    def _named(self, state: Sequence[Array | None]) -> dict[str, Array]:
        """The arrays that there are, by name."""
        return {name: array for name, array in zip(self.state_names, state) if array is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called, to the bit.  Gradients that were accumulated are dropped.

        All settings become those of the state, but `n_threads` and schedules stay; schedules that have a method
        `load_state_dict` get what their `state_dict` gave.

        Parameters
        ----------
        state : dict
            From an optimizer of the same class whose parameters have the same shapes, dtypes and groups.

        Raises
        ------
        ValueError, TypeError
            If it is from another rule or for other parameters; nothing is changed.
        """
        settings, common, arrays = checked(self, state)
        rules = [self._rule(new) for new in settings]
        load_schedules([new["lr"] for new in settings], [saved["lr"] for saved in state["groups"]])
        for group, new, rule in zip(self.param_groups, settings, rules):
            self.set_rule(group.number, *rule)
            group.settings = new
        self._common.update(common)
        self._bound()
        for own, given in zip(self.states, arrays):
            for name, array in self._named(own).items():
                np.copyto(array, given[name])
        self.carries = state["carry"]
        self.set_counters(state["t"], state["skipped"])


class ParamGroup(MutableMapping[str, Any]):
    """The settings of a group of parameters: a mapping that checks what is set, and hands it on."""

    def __init__(self, owner: Optimizer, number: int, settings: dict[str, Any]) -> None:
        self.owner, self.number = owner, number
        self.params = settings.pop("params")
        self.settings = {name: value for name, value in settings.items() if name not in GLOBAL}

    def __getitem__(self, name: str) -> Any:
        return self.params if name == "params" else self.settings[name]

    def __setitem__(self, name: str, value: Any) -> None:
        refuse_unknown(type(self.owner).__name__, [name], self.settings)
        new = {**self.settings, name: check(name, value)}
        self.owner._regroup(self, new)
        self.settings = new

    def __delitem__(self, name: str) -> None:
        raise TypeError("settings of a group cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(["params", *self.settings])

    def __len__(self) -> int:
        return 1 + len(self.settings)

    def __repr__(self) -> str:
        return f"ParamGroup({self.settings!r}, {len(self.params)} arrays)"


def _saved(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as a state holds them: a schedule by what it says of itself."""
    lr = settings["lr"]
    return {**settings, "lr": {"schedule": lr.state_dict() if hasattr(lr, "state_dict") else None} if callable(lr) else lr}
