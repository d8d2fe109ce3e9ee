"""What users read of the estimators: signatures with types that have names, docstrings without placeholders, errors with the class's name."""
import inspect
import re

import numpy as np
import pytest

from fastopt import linear_model

CLASSES = [getattr(linear_model, name) for name in linear_model.__all__ if name[0].isupper()]
FUNCTIONS = [getattr(linear_model, name) for name in linear_model.__all__ if name[0].islower()]


def own(cls):
    """The public functions that a class has from here, and its constructor."""
    for name in dir(cls):
        thing = inspect.getattr_static(cls, name)
        thing = getattr(thing, "fn", thing)   # what available_if hides
        if (name == "__init__" or name[0] != "_") and inspect.isfunction(thing) and thing.__module__.startswith("fastopt"):
            yield thing


@pytest.mark.parametrize("thing", [*CLASSES, *FUNCTIONS], ids=lambda thing: thing.__name__)
def test_types_have_names_and_docstrings_no_placeholders(thing):
    for function in [thing] if inspect.isfunction(thing) else own(thing):
        signature = inspect.signature(function)
        for parameter in list(signature.parameters.values())[inspect.isclass(thing):]:
            assert parameter.annotation not in ("Any", "Any | None", inspect.Parameter.empty), f"{function.__qualname__}: {parameter}"
        assert signature.return_annotation not in ("Any", inspect.Signature.empty), function.__qualname__
        assert not re.search(r"\[[a-z]+\]\n|\{[a-z_]+\}", function.__doc__ or ""), function.__qualname__
    assert not re.search(r"\[[a-z]+\]\n|\{[a-z_]+\}", thing.__doc__)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_errors_of_constructors_name_the_class(cls):
    with pytest.raises(TypeError, match=rf"^{cls.__name__}\.__init__\(\) got an unexpected keyword argument 'nothing'"):
        cls(nothing=1)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if hasattr(cls, "_takes") and cls._takes.numeric or cls.__name__ == "SGDRegressor"],
                         ids=lambda cls: cls.__name__)
@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("columns", [False, True])
def test_none_among_the_targets_is_told(cls, columns):
    """scikit-learn's check of objects lets None pass, which becomes nan."""
    y = np.arange(1, 13, dtype=object)
    y[3] = None
    with pytest.raises(ValueError, match=r"\by\b.*NaN"):
        cls().fit(np.random.default_rng(0).normal(size=(12, 2)), y[:, None] if columns else y)
