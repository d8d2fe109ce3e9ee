"""What losses are called elsewhere, the list of all, and the public check of gradients."""
import numpy as np
import pytest

from fastopt import losses
from reference import losses as reference

#: what PyTorch, Keras and scikit-learn call them
OTHERS = {"mse": losses.MeanSquaredError(), "mse_loss": losses.MeanSquaredError(), "mae": losses.AbsoluteError(), "l1_loss": losses.AbsoluteError(),
          "mean_absolute_error": losses.AbsoluteError(), "huber_loss": losses.Huber(), "smooth_l1_loss": losses.SmoothL1(),
          "logcosh": losses.LogCosh(), "pinball": losses.Quantile(), "poisson_nll": losses.Poisson(), "bce": losses.BinaryCrossEntropy(),
          "bce_with_logits": losses.BinaryCrossEntropy(), "binary_crossentropy": losses.BinaryCrossEntropy(),
          "cross_entropy": losses.Multinomial(), "sparse_categorical_crossentropy": losses.Multinomial(), "nll": losses.Multinomial(),
          "binary_focal_crossentropy": losses.Focal(), "sigmoid_focal_loss": losses.Focal()}


@pytest.mark.parametrize("name", OTHERS)
def test_other_libraries_names_are_understood(name):
    assert losses.get(name) == OTHERS[name]


def test_parameters_go_with_other_names():
    assert losses.get("smooth_l1_loss", beta=2.0) == losses.SmoothL1(beta=2.0)
    with pytest.raises(TypeError, match="bce takes pos_weight, from_probabilities, got weight"):
        losses.get("bce", weight=2.0)


@pytest.mark.parametrize("wrong, near", [("mze", "mse"), ("binary_crossentrop", "binary_crossentropy"), ("smoothl1", "smooth_l1"),
                                         ("crossentropy", "cross_entropy"), ("negative_binom", "negative_binomial")])
def test_a_near_match_is_suggested(wrong, near):
    with pytest.raises(ValueError, match=f"no loss '{wrong}': did you mean '{near}'"):
        losses.get(wrong)


def test_available_lists_every_loss_as_it_is():
    listed = {info.name: info for info in losses.available() if info.target}
    assert set(listed) == {*losses.names(), *losses.names(couples_outputs=True)}
    for name, info in listed.items():
        loss = losses.get(name)
        assert type(loss) is info.kind
        assert (info.target, info.convex, info.smooth, info.parameters) == (loss.target, loss.convex, loss.smooth, loss.params)
        assert all(type(losses.get(other)) is type(loss) for other in info.other_names)
    others = [other for info in listed.values() for other in info.other_names]
    assert len(set(others)) == len(others) and not set(others) & set(listed)


@pytest.mark.parametrize("name, kind", [("ctc", "CTC"), ("info_nce", "InfoNCE"), ("cox", "Cox"), ("lambdarank", "LambdaRank")])
def test_a_loss_with_arguments_of_its_own_is_named(name, kind):
    with pytest.raises(ValueError, match=f"{name} is a loss with arguments of its own: make a losses.{kind}"):
        losses.get(name)
    assert type(losses.get("nll")) is losses.Multinomial


#: bases, losses that users write, and what is no loss
OTHERWISE = {"Loss", "WholeLoss", "PairLoss", "MatchedLoss", "LabelledLoss", "PolicyLoss", "RankingLoss", "ImageLoss", "Likelihood", "ScaledLoss",
             "ShapedLoss", "CompiledLoss", "CustomLoss", "LossInfo", "GradientCheck"}


def test_available_has_all_public_classes():
    classes = {name: thing for name, thing in vars(losses).items() if name in losses.__all__ and isinstance(thing, type)}
    listed = losses.available()
    assert {info.kind for info in listed} == {kind for name, kind in classes.items() if name not in OTHERWISE}
    assert set(classes) >= OTHERWISE and len({info.name for info in listed}) == len(listed)
    for info in listed:
        if not info.target:
            assert getattr(losses, info.name) is info.kind and info.convex is None and info.smooth is None
        assert info in losses.available(info.task)
    assert losses.available("nothing") == []


@pytest.mark.parametrize("name", losses.names())
def test_gradients_pass_the_public_check(name):
    loss, rng = losses.get(name), np.random.default_rng(0)
    y = rng.choice(reference.LOSS_TARGETS[loss.target], 20)
    p = np.round(rng.normal(0, 2, 20) * 8) / 8 + 0.0371   # away from kinks
    assert losses.check_gradient(loss, y, p).passed
    assert losses.check_gradient(loss, y.reshape(4, 5), p.reshape(4, 5), sample_weight=rng.random((4, 5))).passed


class Wrong:
    """A gradient that is off in one element."""

    def __init__(self, off):
        self.off = off

    def value_and_gradient(self, y, p):
        value, gradient = losses.SquaredError().value_and_gradient(y, p)
        gradient[1, 2] += self.off
        return value, gradient


@pytest.mark.parametrize("off", [1e-4, -0.5, np.nan, np.inf])
def test_the_worst_element_is_named(off):
    y, p = np.random.default_rng(0).normal(size=(2, 3, 4))
    result = losses.check_gradient(Wrong(off), y, p)
    assert not result.passed and result.index == (1, 2)
    assert str(result).startswith("differs: worst at index 1, 2, gradient ")
    assert result.difference == pytest.approx((p - y)[1, 2] / 12, rel=1e-6)
    assert losses.check_gradient(Wrong(0.0), y, p).passed


def test_the_point_is_left_as_it_was_and_scalars_work():
    p = np.array([0.25, 2.0])
    losses.check_gradient(losses.LogLoss(), [0, 1], p)
    np.testing.assert_array_equal(p, [0.25, 2.0])
    assert losses.check_gradient(losses.LogLoss(), 1.0, 0.25).index == ()


@pytest.mark.parametrize("arguments, text", [({"step": 0}, "step must be"), ({"rtol": -1}, "rtol must be"), ({"atol": np.nan}, "atol must be")])
def test_arguments_are_refused_by_name(arguments, text):
    with pytest.raises(ValueError, match=text):
        losses.check_gradient(losses.LogLoss(), [1.0], [0.5], **arguments)
