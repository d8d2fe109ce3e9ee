"""Every docstring says what is there: its parameters are those of the signature, in that order, each once, with its default; whatever takes
X and y says so; and errors of Python name the class that the user called.
"""
import ast
import inspect
import math

import numpy as np
import pytest

from docstrings import parameters, public, section
from fastopt import linear_model, neural_network

PUBLIC = public()
#: called by the classes around them: settings of a running step, and groups that optimizers make
INNER = ("set_bounds", "set_counters", "set_rule", "step_matrices", "ParamGroup")
DOCUMENTED = [name for name, thing in PUBLIC.items() if parameters(thing) and not name.endswith(INNER)]
BLANK = inspect.Parameter.empty


def value_of(text):
    """What a documented default stands for."""
    try:
        return float(text) if text in ("inf", "-inf") else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def described(thing):
    return list(section(thing, "Parameters"))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_parameters_are_those_of_the_signature(name):
    """`**options` may stand anywhere; an optimizer may say more of one of them."""
    takes = parameters(PUBLIC[name])
    options = {p.name for p in takes if p.kind == inspect.Parameter.VAR_KEYWORD}
    found = [entry[0] for entry in described(PUBLIC[name])]
    assert len(set(found)) == len(found), f"described twice: {found}"
    assert options <= set(found)
    own = [p.name for p in takes if p.name not in options]
    assert [entry for entry in found if entry not in options and (entry in own or not options)] == own


@pytest.mark.parametrize("name", DOCUMENTED)
def test_defaults_are_those_of_the_signature(name):
    takes = {p.name: p.default for p in parameters(PUBLIC[name])}
    for parameter, kind, text in described(PUBLIC[name]):
        if not kind and text.startswith("See `"):
            continue
        default, (said, _, shown) = takes.get(parameter, BLANK), kind.partition("default=")
        if default is BLANK:
            assert not shown or parameter not in takes, f"{parameter} has no default"
        elif not shown:
            assert default is None and kind.endswith(("optional", "None")), f"{parameter}: default={default!r} is not said"
        else:
            value = value_of(shown)
            assert value == default or isinstance(default, float) and math.isclose(value, default, rel_tol=1e-12), \
                f"{parameter}: {shown} is said, {default!r} is so"
            assert type(default) is not bool or value is default
            assert default is not None or "None" in said or "gnored" in said, f"{parameter}: None is not said to be possible"


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isclass(thing) or inspect.isroutine(thing)])
def test_there_is_a_docstring(name):
    assert PUBLIC[name].__doc__ or name.endswith(INNER)


METHODS = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "score", "sparsify",
           "densify")
ESTIMATORS = {name: getattr(room, name) for room in (linear_model, neural_network) for name in room.__all__ if inspect.isclass(getattr(room, name))}
CALLS = [(name, method) for name, cls in ESTIMATORS.items() for method in METHODS if hasattr(cls, method)]


@pytest.mark.parametrize("name, method", CALLS)
def test_errors_name_the_class_that_was_called(name, method):
    cls = ESTIMATORS[name]
    static = inspect.getattr_static(cls, method)
    if not static.__module__.startswith("fastopt"):   # a mixin of scikit-learn
        return
    assert static.__qualname__ == f"{name}.{method}"
    try:
        bound = getattr(cls(), method)
    except AttributeError:   # no probabilities by default
        return
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(bound).parameters.values())
    wrong = "missing 2 required positional arguments: 'X' and 'y'" if takes_all else "got an unexpected keyword argument 'nothing'"
    with pytest.raises(TypeError, match=rf"^{name}\.{method}\(\) {wrong}"):
        bound(nothing=1)


@pytest.mark.parametrize("name", [name for name, cls in ESTIMATORS.items() if hasattr(cls, "get_params")])
def test_subclasses_and_copies_still_call_their_own(name):
    """The methods are copies: `super()` and the callbacks go on as before."""
    from sklearn.base import clone

    class Mine(ESTIMATORS[name]):
        def fit(self, X, y=None, **more):
            self.seen_ = True
            return super().fit(X, y, **more)
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = clone(Mine()).fit(X, np.arange(30) % 2 + 1)
    assert model.seen_ and model.predict(X).shape == (30,)
