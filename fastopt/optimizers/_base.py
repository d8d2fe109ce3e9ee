"""What all optimizers have in common: parameters, groups and their settings, state that can be saved, the register of names.

Used by the modules of this folder that hold the optimizers.  The mathematics is in csrc/rules/rules*.h, the step over arrays
in optimizers/_update.pyx; nothing here touches single elements.
"""
from __future__ import annotations

import copyreg
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from fastopt._common.docs import filled
from fastopt._common.registry import Registry, parameters_of
from fastopt._core.tables import RULE_NAMES
from fastopt.exceptions import InvalidParameterError
from fastopt.schedules._base import LearningRate

from ._docs import SHARED
from ._lines import beside
from ._param_group import ParamGroup
from ._params import check_apart, grouped
from ._settings import GLOBAL, OPTIONS, Params, check, fields_of, refuse_unknown
from ._state import checked, frozen, load_schedules, saved, settings_of
from ._update import Update

Array = NDArray[Any]

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
        the way: an error too, but parameters and state are lost.  It saves a sixth of the time where gradients are
        larger than the caches.  Parameters or state that would overflow by extreme gradients or rates count as nan does.
    n_threads : int or None, default=None
        Threads for large arrays; None: as many as allowed.  Results do not depend on it.

    Attributes
    ----------
    params : list of ndarray
        The parameters.
    param_groups : tuple of ParamGroup
        The groups: mappings of settings, which can be changed between steps.  `add_param_group` adds one.
    t : int
        Steps taken.
    skipped : int
        Steps skipped for their gradients.

    Notes
    -----
    ``copy.deepcopy`` and ``pickle`` take parameters and state together.  Within a step numbers below the smallest of full
    precision, 1.2e-38 for float32 and 2.2e-308 for float64, count as 0.
    """

    name: ClassVar[str] = ""
    #: the rules of csrc/include/lists.h that it stands for, and the names of their arrays of state
    kinds: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: weight decay shrinks the weights themselves, beside the step
    decoupled: ClassVar[bool] = False
    #: the kinds that take row-sparse gradients
    sparse: ClassVar[tuple[str, ...]] = ()
    #: steps are counted by group, as what is carried from step to step is the group's; else each array counts its own
    one_clock: ClassVar[bool] = False
    #: settings of the constructor that groups do not have
    _of_no_group: ClassVar[tuple[str, ...]] = ()
    state_names: tuple[str, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__doc__ = filled(cls, SHARED)
        if cls.name:
            registry[cls.name] = cls

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Check settings as the constructor does, without parameters to step.

        Parameters
        ----------
        settings : dict
            Arguments of the constructor by name, without `params`.

        Returns
        -------
        dict
            All settings, with the defaults of those that are left out.

        Raises
        ------
        ValueError, TypeError
            If there is no setting of a name, or a value is none that it may have, alone or with the others.

        Examples
        --------
        >>> from fastopt import optimizers
        >>> optimizers.SGD.check_settings({"momentum": 1.5})
        Traceback (most recent call last):
        ...
        fastopt.exceptions.InvalidParameterError: momentum must be a finite number at least 0 and below 1, got 1.5
        """
        own = {name: taken.default for name, taken in parameters_of(cls).items() if taken.default is not taken.empty}
        found = cls._checked(cls._spelt(own), cls._spelt(settings))
        cls._check_together(found)
        return found

    @classmethod
    def _check_together(cls, settings: Mapping[str, Any]) -> None:
        """Refuse settings that do not go with each other."""
        cls._rule(settings)

    @classmethod
    def _spelt(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the constructor as the settings that groups have."""
        return dict(settings)

    @classmethod
    def _unspelt(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings that groups have as arguments of the constructor."""
        return dict(settings)

    @classmethod
    def _checked(cls, own: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        """The rule's own settings, and the options or others among `more` in place of theirs, each of them checked by itself."""
        refuse_unknown(cls.__name__, more, dict.fromkeys([*own, *cls._of_no_group, *OPTIONS]))
        return {name: check(name, value) for name, value in {**own, **OPTIONS, **more}.items()}

    def _build(self, params: Params, settings: dict[str, Any], options: Mapping[str, Any], **passes: Any) -> None:
        """What constructors do: settings checked, arrays and their state made ready; `passes` go to `_setup`."""
        defaults = self._checked(settings, options)
        arrays, places, groups = grouped(params, defaults, type(self).__name__)
        self._check_arrays(arrays, 0)
        self._single, self._defaults, self._passes = isinstance(params, np.ndarray), defaults, passes
        self._common = {name: defaults[name] for name in GLOBAL}
        self.state_names = self._state_names(self._one_kind(groups))
        self._install(arrays, places, groups, *self._beginning(arrays, places, groups))

    def anew(self, params: Params) -> Optimizer:
        """An optimizer of other parameters, with these settings and no steps taken.

        Parameters
        ----------
        params
            As for the constructor; settings are those of the first group.

        Returns
        -------
        Optimizer
            Of the same class.

        Examples
        --------
        >>> import numpy as np
        >>> from fastopt import optimizers
        >>> w = np.ones(2)
        >>> optimizers.SGD(np.zeros(1), lr=0.5).anew(w).step(np.ones(2))
        >>> w
        array([0.5, 0.5])
        """
        given = {name: getattr(self, name) for name in self._of_no_group}
        make: Any = type(self)
        made: Optimizer = make(params, **self._unspelt({**self._defaults, **self._groups[0].settings, **self._common}), **given)
        return made

    def _beginning(self, arrays: list[Array], places: list[int], groups: list[dict[str, Any]]
                   ) -> tuple[list[list[Array | None]], list[list[float]]]:
        """State of the arrays, and what the groups carry, before the first step."""
        members: list[list[Array]] = [[] for _ in map(self._rule, groups)]   # which refuses what does not go together
        for w, place in zip(arrays, places):
            members[place].append(w)
        return ([self._states(w, groups[place]) for w, place in zip(arrays, places)],
                [self._carry(group, inside) for group, inside in zip(groups, members)])

    def _install(self, arrays: list[Array], places: list[int], groups: list[dict[str, Any]], states: list[list[Array | None]],
                 carries: list[list[float]], began: list[int] | None = None) -> None:
        """Arrays, their groups and their state, all of them checked, into the place of those that there are."""
        kind = self._one_kind(groups)
        self._setup(arrays, places, states, [self._rule(group) for group in groups], carries,
                    n_threads=self._defaults["n_threads"], lazy=kind in self.sparse and not self._passes.get("packing"),
                    one_clock=self.one_clock, began=began, **self._passes)
        self._places, self._groups = places, tuple(ParamGroup(self, i, group) for i, group in enumerate(groups))
        self._bound()

    @property
    def param_groups(self) -> tuple[ParamGroup, ...]:
        """The groups."""
        return self._groups

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters to those that are stepped, for which the steps begin at 0.  Accumulated gradients are dropped.

        Parameters
        ----------
        param_group : dict
            ``{"params": arrays, "lr": 0.1, …}``; what is left out is as it was for the constructor.

        Raises
        ------
        ValueError, TypeError
            If these are no parameters, or overlap with those that there are; nothing is changed.

        Examples
        --------
        >>> import numpy as np
        >>> from fastopt import optimizers
        >>> w, b = np.ones(3), np.ones(1)
        >>> sgd = optimizers.SGD([w], lr=0.5)
        >>> sgd.add_param_group({"params": [b], "lr": 0.25})
        >>> sgd.step([np.ones(3), np.ones(1)])
        >>> w, b
        (array([0.5, 0.5, 0.5]), array([0.75]))
        """
        if not isinstance(param_group, Mapping):
            raise InvalidParameterError(f"param_group must be a dict, got {type(param_group).__name__}")
        arrays, places, groups = grouped([param_group], self._defaults, type(self).__name__)
        kept = settings_of(self)
        self._one_kind([*kept, *groups])
        self._check_arrays(arrays, len(self.params))
        check_apart([*self.params, *arrays])
        states, carries = self._beginning(arrays, places, groups)
        behind = [*self.behind, *([] for _ in arrays)]
        self._install([*self.params, *arrays], [*self._places, *(len(kept) for _ in arrays)], [*kept, *groups],
                      [*self.states, *states], [*self.carries, *carries], [*self.began, self.t])
        self.behind, self._single = behind, False

    def _bound(self) -> None:
        """Hand on what holds for all groups."""
        norm, whole = self._common["clip_norm"], self._common["clip_global_norm"]
        self.set_bounds(norm or math.inf, whole or math.inf, self._common["maximize"], self._common["nonfinite"])

    # ---- what a rule says of itself ----

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        """Name of the rule in csrc/include/lists.h: the first of `kinds`, or as the settings say."""
        return next(iter(cls.kinds))

    def _one_kind(self, groups: list[dict[str, Any]]) -> str:
        kinds = [self._kind(group) for group in groups]
        if len(set(kinds)) > 1:
            raise InvalidParameterError(f"params must be groups of one rule, got settings for {', '.join(kinds)}")
        return kinds[0]

    def _check_arrays(self, arrays: list[Array], first: int) -> None:
        """Refuse parameters that the rule cannot take; they are the ones from the number `first` on."""

    def _state_names(self, kind: str) -> tuple[str, ...]:
        return self.kinds[kind]

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
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
        with np.errstate(over="ignore", invalid="ignore"):
            found = [self._initial(name, w, settings) for name in self.state_names]
        if all(array is None or array.dtype.kind != "f" or np.isfinite(array).all() for array in found):
            return [None if array is None else beside(array, w) for array in found]
        raise InvalidParameterError(f"settings make the state of params overflow {w.dtype}, got {settings!r:.300}")

    @classmethod
    def _rule(cls, settings: Mapping[str, Any]) -> tuple[dict[str, Any], LearningRate]:
        """The fields of the rule, and the learning rate."""
        decoupled = cls.decoupled or settings.get("decoupled_weight_decay", False)
        fields = fields_of(settings, decoupled, kind=RULE_NAMES.index(cls._kind(settings)))
        lr = settings["lr"]
        return {**fields, **cls._fields(settings)}, lr if callable(lr) else float(lr)

    def _regroup(self, group: ParamGroup, settings: dict[str, Any]) -> None:
        """New settings for a group; refused if they need other state."""
        if self._kind(settings) != self._kind(group.settings):
            changed = {name: value for name, value in settings.items() if value != group.settings[name]}
            raise InvalidParameterError(f"settings that need other arrays of state cannot change after construction, got {changed}")
        self.set_rule(group.number, *self._rule(settings))

    # ---- state ----

    @property
    def averages(self) -> bool:
        """Whether `solution` is another point than the one that is stepped."""
        return type(self)._averaged is not Optimizer._averaged

    def solution(self) -> Array | list[Array]:
        """The point to use: `params` themselves, or the average where the rule recommends one (ASGD, schedule-free).

        Returns
        -------
        ndarray or list of ndarray
            As `params` was given.
        """
        found = [self._averaged(w, self._named(state), self._groups[place].settings)
                 for w, state, place in zip(self.params, self.states, self._places)]
        return found[0] if self._single else found

    def state_dict(self) -> dict[str, Any]:
        """All that the next steps depend on, beside the parameters: settings, counters and copies of the state.

        Returns
        -------
        dict
            Of numbers, strings, lists and arrays; schedules by their own `state_dict`.
        """
        return {"rule": self.name, "t": self.t, "skipped": self.skipped, "carry": self.carries,
                "began": self.began, "behind": self.behind,
                "groups": [saved({**group.settings, **self._common}) for group in self.param_groups],
                "state": [{name: array.copy() for name, array in self._named(state).items()} for state in self.states]}

    def _named(self, state: Sequence[Array | None]) -> dict[str, Array]:
        """The arrays that there are, by name."""
        return {name: array for name, array in zip(self.state_names, state) if array is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called, to the bit.  Gradients that were accumulated are dropped.

        All settings become those of the state, but `n_threads` and schedules stay, as a scheduler of PyTorch does, whatever
        learning rate the state has; schedules that have a method `load_state_dict` get what their `state_dict` gave.

        Parameters
        ----------
        state : dict
            From an optimizer of the same class whose parameters have the same shapes, dtypes and groups.

        Raises
        ------
        ValueError, TypeError
            If it is from another rule or for other parameters; nothing is changed.
        """
        settings, common, arrays, counters = checked(self, state)
        load_schedules([new["lr"] for new in settings], [group["lr"] for group in state["groups"]])
        for group, new in zip(self._groups, settings):
            self.set_rule(group.number, *self._rule(new))
            group.adopt(new)
        self._common.update(common)
        self._bound()
        for own, given in zip(self.states, arrays):
            for name, array in self._named(own).items():
                np.copyto(array, given[name])
        self.carries, self.began, self.behind = counters["carry"], counters["began"], counters["behind"]
        self.set_counters(counters["t"], counters["skipped"])

    # ---- copies ----

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Parameters too: ``copy.deepcopy`` and pickle keep them one with what is copied beside them."""
        return getattr(copyreg, "__newobj__"), (type(self),), frozen(self)  # noqa: B009 which typeshed does not know

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state["own"], _common=dict(state["own"]["_common"]))
        self._install(state["params"], self._places, state["groups"], state["states"], state["carries"], state["began"])
        self.behind = state["behind"]
        self.set_counters(*state["counters"])
        self._collect(*state["collected"])


#: classes by name
registry = Registry("optimizer", Optimizer)
