"""The ties to scikit-learn: its callbacks, which came with 1.9, its metadata routing, and the thread limits of BLAS.

Used by the estimators.  With older versions the callbacks are replaced by functions that do nothing.
"""
from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import _raise_for_params
from sklearn.utils.metaestimators import available_if
from threadpoolctl import ThreadpoolController

from .types import Attributes, Features, SampleWeight, TargetValues

try:
    from sklearn import callback as _callback
except ImportError:   # before 1.9
    _callback = None

__all__ = ["FIT_LEVELS", "CallbackSupport", "Events", "available_where", "blas_alone", "refuse_metadata", "with_callbacks"]

Method = TypeVar("Method", bound=Callable[..., Any])

#: to derive from: set_callbacks, where there are callbacks
CallbackSupport: Any = type("CallbackSupport", (), {}) if _callback is None else _callback.CallbackSupportMixin
#: frames that with_callbacks puts between fit and who calls it
FIT_LEVELS = 0 if _callback is None else 1


def remakable(method: Method, decorate: Callable[[Method], Any]) -> Method:
    """The decorated method, with a record of its decorator, so that `owned` can decorate a copy for a subclass."""
    wrapped: Any = decorate(method)
    if wrapped is not method:
        wrapped.__dict__["_made"] = method, decorate
    return cast("Method", wrapped)


def owned(method: Any, owner: str) -> Any:
    """A copy of an inherited method with the name of the subclass, which Python's error messages then show."""
    if "_made" in vars(method):
        inner, decorate = method._made
        return remakable(owned(inner, owner), decorate)
    copy = types.FunctionType(method.__code__, method.__globals__, method.__name__, method.__defaults__, method.__closure__)
    copy.__kwdefaults__ = method.__kwdefaults__
    functools.update_wrapper(copy, method)
    del vars(copy)["__wrapped__"]
    copy.__qualname__ = f"{owner}.{method.__name__}"
    return copy


def own_methods(cls: type) -> None:
    """Give a public class copies of its inherited public methods under its own name, for errors such as "Ridge.fit() got an unexpected ..."."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        members |= vars(base)
    for name, method in members.items():
        ours = (getattr(method, "__module__", None) or "").startswith("fastopt.")
        public = name == "__init__" or not name.startswith("_")
        if public and ours and getattr(method, "__qualname__", None) not in (None, f"{cls.__qualname__}.{name}"):
            setattr(cls, name, owned(method, cls.__qualname__))


def with_callbacks(method: Method) -> Method:
    """Decorator of fit: end the callbacks however the fit ends."""
    return remakable(method, lambda method: method if _callback is None else _callback.with_callbacks(method))


_lock, _limits = threading.Lock(), list[Any]()         # fits at the same time: the first one limits, the last one lifts


@functools.cache
def _libraries() -> list[Any]:
    """The BLAS libraries that are loaded, searched for once."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _limit() -> list[tuple[Any, int]]:
    """Set each BLAS library to one thread; return the libraries that had more, with their numbers."""
    before = [(library, library.get_num_threads()) for library in _libraries()]
    before = [(library, threads) for library, threads in before if threads is not None and threads > 1]
    for library, _ in before:
        library.set_num_threads(1)
    return before


@contextmanager
def blas_alone() -> Iterator[None]:
    """Limit BLAS to one thread.

    Its threads spin after a call and take the processors from those of the kernels; results would also depend on their number.
    """
    with _lock:
        _limits.append(None if _limits else _limit())
    try:
        yield
    finally:
        with _lock:
            for library, threads in _limits.pop() or ():
                library.set_num_threads(threads)


def refuse_metadata(params: Mapping[str, Any], estimator: BaseEstimator, method: str) -> None:
    """Raise for arguments of `fit` or `score` that scikit-learn would route to other objects; there are none here."""
    if params:
        _raise_for_params(params, estimator, method)
        raise TypeError(f"{type(estimator).__name__}.{method} got unexpected argument(s) {set(params)}, which are not routed to any "
                        "object.")


def available_where(check: Callable[..., bool]) -> Callable[[Method], Method]:
    """scikit-learn's available_if, with types."""
    return lambda method: remakable(method, available_if(check))


class Events:
    """Tells scikit-learn's callbacks when a fit and its epochs begin and end.

    Parameters
    ----------
    estimator : estimator
        The one that is being fitted.
    X, y, sample_weight
        As they came from the user, so that callbacks that predict see the feature names.
    max_iter : int
        Epochs at most.
    """

    def __init__(self, estimator: BaseEstimator | None, X: Features | None, y: TargetValues | None, sample_weight: SampleWeight,
                 max_iter: int) -> None:
        # a context does not say whether anyone listens; scikit-learn's own estimators look at the same attributes
        known = {} if estimator is None else vars(estimator)
        listens = bool(known.get("_skl_callbacks"))
        begin = getattr(estimator, "_init_callback_context", None) if listens or "_parent_callback_ctx" in known else None
        self._context = None if begin is None else begin(max_subtasks=max_iter)
        self.wanted = self._context is not None and listens
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        if self._context is not None:
            self._context.call_on_fit_task_begin(**self._arguments)

    @classmethod
    def silent(cls) -> Events:
        """Events of a fit that no callback observes."""
        return cls(None, None, None, None, 0)

    def begin_epoch(self) -> None:
        """To be called before an epoch, if wanted."""
        self._epoch = self._context.subcontext(task_name="epoch")   # type: ignore[union-attr]
        self._epoch.call_on_fit_task_begin(**self._arguments)

    def end_epoch(self, attributes: Callable[[], Attributes]) -> bool:
        """To be called after it, with a function that returns the fitted attributes; whether to stop."""
        return bool(self._epoch.call_on_fit_task_end(**self._arguments, reconstruction_attributes=attributes))

    def end(self, attributes: dict[str, Any]) -> None:
        """To be called when the fit is complete."""
        if self._context is not None:
            self._context.call_on_fit_task_end(**self._arguments, reconstruction_attributes=attributes)
