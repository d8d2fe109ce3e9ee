"""Rules of parameters: what they accept, what they make of it, how they refuse; near matches; registers of named classes."""
import math
from fractions import Fraction

import numpy as np
import pytest

from fastopt import batching, losses, optimizers, penalties, schedules
from fastopt._common import rules
from fastopt._common.checks import number
from fastopt._common.registry import Registry
from fastopt.exceptions import InvalidParameterError

SHARE = rules.real(0, 1, below=True)
SIZE = rules.either(rules.integer(1), rules.choice("auto", "full"), rules.NONE)
PAIR = rules.several(SHARE, 2, "two shares")


@pytest.mark.parametrize("rule, value, found", [
    (SHARE, 0, 0.0), (SHARE, np.float32(0.5), 0.5), (SHARE, Fraction(1, 4), 0.25), (SHARE, np.array(0.5), 0.5),
    (rules.real(infinite=True), -math.inf, -math.inf), (rules.real(1, above=True, infinite=True), math.inf, math.inf),
    (rules.integer(1), np.int8(3), 3), (rules.integer(1), np.array(3), 3), (rules.integer(0, 5), 5, 5),
    (rules.integer(1), 2 ** 63 - 1, 2 ** 63 - 1),
    (rules.INTEGER, -10 ** 400, -10 ** 400), (rules.FLAG, np.True_, True), (rules.choice("a", "b"), np.str_("b"), "b"),
    (SIZE, 7, 7), (SIZE, "auto", "auto"), (SIZE, None, None),
    (PAIR, [0, np.float64(0.5)], (0.0, 0.5)), (PAIR, np.array([0.25, 0.5]), (0.25, 0.5)), (PAIR, (np.array(0.5), 0), (0.5, 0.0))])
def test_what_is_accepted_becomes_what_python_has(rule, value, found):
    made = rule.check("name", value)
    assert made == found and type(made) is type(found)
    if isinstance(found, tuple):
        assert list(map(type, made)) == list(map(type, found))


@pytest.mark.parametrize("rule, value, expected", [
    (SHARE, 1, "a finite number at least 0 and below 1, got 1"), (SHARE, True, "a finite number .*, got True"),
    (SHARE, math.nan, "a finite number .*, got nan"), (rules.real(), math.inf, "a finite number, got inf"),
    (rules.real(), 1j, "a finite number, got 1j"),
    (rules.real(infinite=True), -10 ** 400, "a number, finite or infinite, got an integer of about -1e400"),
    (rules.real(infinite=True), math.nan, "a number, finite or infinite, got nan"),
    (rules.real(2, above=True), np.float64(2.0), "a finite number above 2, got 2.0"), (rules.real(0.1), 0, "a finite number at least 0.1, got 0"),
    (rules.real(1), np.ones(3), r"a finite number at least 1, got an array of shape \(3,\) and dtype float64"),
    (rules.integer(1), 1.0, "an integer at least 1, got 1.0"), (rules.integer(1), np.True_, "an integer at least 1, got True"),
    (rules.integer(0, 5), 6, "an integer from 0 to 5, got 6"), (rules.integer(1), 2 ** 63, "an integer at least 1"),
    (rules.FLAG, 1, "True or False, got 1"),
    (rules.choice("left", "right"), "Rigth", r"one of 'left', 'right', got 'Rigth': did you mean 'right'\?$"),
    (SIZE, "atuo", r"an integer at least 1 or one of 'auto', 'full' or None, got 'atuo': did you mean 'auto'\?$"),
    (PAIR, 0.5, "two shares, got 0.5"), (PAIR, (0.5, 1.0), "two shares"), (PAIR, [0.1, 0.2, 0.3], "two shares"), (PAIR, np.ones((2, 2)), "two"),
    (rules.integer(1), "x" * 500, r"x\.\.\.$")])
def test_refusals_say_what_was_expected_and_what_came(rule, value, expected):
    with pytest.raises(InvalidParameterError, match=f"^size must be .*{expected}"):
        rule.check("size", value)
    with pytest.raises(InvalidParameterError, match="^size of Ridge must be "):
        rule.check("size", value, owner="Ridge")


@pytest.mark.parametrize("rule, good, bad, words", [
    (rules.numbers(0), [0, 1.5, [0, 2], np.array(3.0), np.ones(2)], [-1, [1, -1], [], np.inf, [np.nan], True, "1", None, np.ones((2, 2)), ["a"]],
     "a finite number at least 0, or an array of them"),
    (rules.numbers(0, 1, above=True, alone=False), [[1], (0.5, 1)], [0.5, [0.0, 1.0], [2.0], []], "an array of finite numbers above 0 and at most 1"),
    (rules.numbers(infinite=True, alone=False), [[-np.inf, 1]], [[np.nan], np.inf], "an array of numbers, got")])
def test_numbers_alone_or_in_arrays(rule, good, bad, words):
    for value in good:
        np.testing.assert_array_equal(rule.check("w", value), np.asarray(value, float))
    for value in bad:
        with pytest.raises(InvalidParameterError, match=f"^w must be {words}"):
            rule.check("w", value)


def test_an_integer_that_python_does_not_print():
    with pytest.raises(InvalidParameterError, match="a finite number, got an integer of about 1e5000$"):
        rules.real().check("size", 10 ** 5000)


def test_bounds_that_are_not_finite_are_not_said():
    with pytest.raises(InvalidParameterError, match="^x must be a finite number, got 'a'$"):
        number("x", "a")
    assert number("x", 10, at_least=-math.inf, at_most=math.inf) == 10.0


@pytest.mark.parametrize("name, found", [
    ("HUBER", "huber"), ("Hubr", "huber"), ("l3", "l1"), ("", None), ("quite another", None), (3, None), (None, None), (["huber"], None)])
def test_near_matches(name, found):
    assert rules.near(name, ["huber", "Hinge", "l1"]) == found
    assert rules.did_you_mean(name, ["huber", "Hinge", "l1"]) == ("" if found is None else f": did you mean {found!r}?")


def test_near_matches_keep_the_spelling_of_the_option():
    assert rules.near("hinge", ["huber", "Hinge"]) == "Hinge"


# ---- registers ----

REGISTERS = [(losses, "loss", "hubr", "huber"), (penalties, "penalty", "elastic_net", "elasticnet"), (schedules, "schedule", "Cosin", "cosine"),
             (batching, "batch-size strategy", "growin", "growing"), (optimizers, "optimizer", "admw", "adamw")]


@pytest.mark.parametrize("module, what, wrong, right", REGISTERS, ids=[what for _, what, *_ in REGISTERS])
def test_all_registers_say_alike_what_there_is_not(module, what, wrong, right):
    with pytest.raises(InvalidParameterError, match=rf"^there is no {what} '{wrong}': did you mean '{right}'\?$"):
        module.get(wrong)
    with pytest.raises(InvalidParameterError, match=rf"^there is no {what} '\?': they are \w+, "):
        module.get("?")
    assert right in module.names() and len(set(module.names())) == len(module.names())


class Shape:
    def __init__(self, sides=3):
        self.sides = sides


class Square(Shape):
    pass


def test_a_register_makes_what_it_knows():
    shapes = Registry("shape", Shape)
    shapes["square"] = Square
    made = shapes.make("square", {"sides": 4})
    assert type(made) is Square and made.sides == 4 and shapes.make(made, {}) is made
    for name, params, words in [("squar", {}, "there is no shape 'squar': did you mean 'square'"),
                                ("square", {"side": 4}, "square takes sides, got side"), (made, {"sides": 4}, "a Shape; got"),
                                (Square, {}, "name must be a string"), (None, {}, "name must be a string")]:
        with pytest.raises(InvalidParameterError, match=words):
            shapes.make(name, params)


# ---- settings of optimizers, checked by their classes ----

@pytest.mark.parametrize("name", optimizers.names())
def test_a_class_checks_settings_as_its_constructor_does(name):
    cls = optimizers.get(name)
    made = cls(np.ones((2, 2)))
    found = cls.check_settings({})
    assert {**made.param_groups[0].settings, **made._common} == {key: value for key, value in found.items() if key not in cls._of_no_group}
    bad = {"lr": -1, "weightdecay": 0.1, "clip_value": 0, "nonfinite": "rais", "n_threads": 0, "betas": (0.9, 1), "momentum": 1.5}
    for setting, value in bad.items():
        with pytest.raises((InvalidParameterError, TypeError)) as of_class:
            cls.check_settings({setting: value})
        with pytest.raises(of_class.type) as of_constructor:
            cls(np.ones((2, 2)), **{setting: value})
        assert str(of_class.value) == str(of_constructor.value) and setting in str(of_class.value)


@pytest.mark.parametrize("name, settings, words", [
    ("sgd", {"nesterov": True}, "nesterov must be False"), ("schedule_free_sgd", {"momentum": 0}, "momentum must be above 0"),
    ("rprop", {"lr": lambda t: 0.1}, "lr must be a number for Rprop"), ("muon", {"l1": 0.1}, "l1 and clip_value"),
    ("adam", {"moments": "8bit", "amsgrad": True}, "moments must be None for amsgrad"), ("adafactor", {"eps": 1e-3}, "eps must be two numbers"),
    ("adafactor", {"eps": (0.1, -1)}, "eps2 must be"), ("adam", {"params": np.ones(2)}, "no setting 'params'")])
def test_a_class_refuses_what_does_not_go_together(name, settings, words):
    with pytest.raises((InvalidParameterError, TypeError), match=words):
        optimizers.get(name).check_settings(settings)


def test_a_class_fills_in_what_is_left_out():
    assert optimizers.Adafactor.check_settings({"eps": (1e-4, 0.1), "clip_norm": 2})["eps2"] == 0.1
    found = optimizers.Adam.check_settings({"lr": 1, "moments": "8bit"})
    assert type(found["lr"]) is float and found["betas"] == (0.9, 0.999) and found["moments"] == "8bit" and found["l1"] == 0


# ---- what can change cannot be hashed ----

def test_losses_are_hashable_and_hold_no_state():
    assert len({losses.Huber(2.0), losses.get("huber", delta=2), losses.Huber(1.0)}) == 2
    assert not hasattr(losses.Huber(), "load_state_dict")
    for changeable in (schedules.Constant(0.1), batching.Fixed(3), penalties.L1(0.1)):
        with pytest.raises(TypeError, match="unhashable"):
            hash(changeable)
