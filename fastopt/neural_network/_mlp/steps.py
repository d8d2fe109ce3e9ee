"""The optimizer of a fit: which rule steps the weights, with which learning rate, and what the next partial_fit goes on with.

Used by the epochs of this room.  Knows neither data nor labels; the state is the engine's.
"""
from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt import optimizers
from fastopt.optimizers import Optimizer

#: the learning rate at which 'adaptive' gives up
LEAST_RATE = 1e-6
#: momentum that is not below 1 is taken to be this
MOST_MOMENTUM = float(np.nextafter(1.0, 0.0))


def template(values: Mapping[str, Any], lr: Any, dtype: Any) -> Optimizer:
    """The rule as an optimizer of nothing, which the engine reads."""
    nothing = np.zeros((1, 1), dtype)   # Muon asks for a matrix
    given = values["optimizer"]
    if isinstance(given, Optimizer):
        found = copy.deepcopy(given)
        if values["schedule"] is not None:
            found.param_groups[0]["lr"] = lr
        return found
    if given is not None:
        named: Optimizer = optimizers.get(given)(nothing, lr=lr, **(values["optimizer_params"] or {}))
        return named
    if values["solver"] == "adam":
        return optimizers.Adam(nothing, lr=lr, betas=(float(values["beta_1"]), float(values["beta_2"])), eps=float(values["epsilon"]),
                               eps_hat=True)
    momentum = min(float(values["momentum"]), MOST_MOMENTUM)
    return optimizers.SGD(nothing, lr=lr, momentum=momentum, nesterov=bool(values["nesterovs_momentum"] and momentum > 0),
                          lr_in_velocity=True)


def rises(schedule: Any) -> bool:
    """Whether a schedule is told of something more of which is better."""
    while not hasattr(schedule, "mode") and hasattr(schedule, "schedule"):   # a warm-up before it
        schedule = schedule.schedule
    return getattr(schedule, "mode", "min") == "max"


class Steps:
    """What `_optimizer` of an estimator is: learning rate and state between calls.

    Parameters
    ----------
    values : mapping
        The parameters of the estimator.
    dtype : dtype
        Of the weights.

    Attributes
    ----------
    learning_rate : float
        That of the next step; of Adam, with its corrections of bias, that of the last one, as scikit-learn tells it.
    """

    def __init__(self, values: Mapping[str, Any], dtype: Any) -> None:
        self.learning_rate_init = float(values["learning_rate_init"])
        self.lr_schedule = str(values["learning_rate"]) if values["solver"] == "sgd" and values["schedule"] is None else "constant"
        self.power_t = float(values["power_t"])
        self.betas = (float(values["beta_1"]), float(values["beta_2"]))
        self.is_adam = values["solver"] == "adam" and values["optimizer"] is None
        schedule = copy.deepcopy(values["schedule"])
        self.plateau = schedule if getattr(schedule, "driven_by", None) == "metric" else None
        self.rises = rises(self.plateau)
        self.scheduled = schedule is not None and self.plateau is None
        self.rate = float(self.plateau(0)) if self.plateau is not None else self.learning_rate_init
        self.optimizer = template(values, schedule if self.scheduled else self.rate, dtype)
        if isinstance(values["optimizer"], Optimizer) and values["schedule"] is None:
            lr = self.optimizer.param_groups[0]["lr"]
            self.scheduled, self.rate = callable(lr), self.rate if callable(lr) else float(lr)
        self.taken = 0          # steps
        self.state: Any = None
        self.averages = self.optimizer.averages
        self.point: Any = None  # where to go on from, and the weights that were recommended there, of an averaging rule

    @property
    def learning_rate(self) -> float:
        """That of the next step; of Adam, with its corrections of bias, that of the last one."""
        if self.scheduled:
            return float(self.optimizer.param_groups[0]["lr"](self.taken))
        if not (self.is_adam and self.taken):
            return self.rate
        beta_1, beta_2 = self.betas
        return float(self.rate * np.sqrt(1 - beta_2 ** self.taken) / (1 - beta_1 ** self.taken))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.rate = float(value)

    def copied(self) -> Steps:
        """The same, to go on with: what an optimizer or a state holds is never changed, but a schedule's metric is."""
        found = copy.copy(self)
        found.plateau = copy.deepcopy(self.plateau)
        return found

    def begin(self, network: Any) -> None:
        """Make a network go on from here: from the point that was stepped, unless users have put others in the place of its average."""
        if self.point is not None and all(map(np.array_equal, sum(self.point[1], []), sum(network.get_weights(), []))):
            network.set_weights(*self.point[0])
        network.start(self.optimizer)
        if self.state is not None:
            network.set_state(self.state)
        self.hand_on(network)

    def hand_on(self, network: Any) -> None:
        """Tell the network the learning rate of the next epoch."""
        if not self.scheduled:
            network.learning_rate = self.rate

    def end(self, network: Any) -> None:
        """Keep what the next call goes on with."""
        self.state = network.get_state()
        self.point = (network.get_weights(), network.get_solution()) if self.averages else None

    def end_epoch(self, network: Any, t: int, steps: int, metric: float) -> None:
        """An epoch has ended, of so many steps, at sample number t."""
        self.taken += steps
        if self.lr_schedule == "invscaling":
            self.rate = self.learning_rate_init / (t + 1) ** self.power_t
        if self.plateau is not None and np.isfinite(metric):
            self.rate = float(self.plateau.update(metric))
        self.hand_on(network)

    def stops(self, network: Any, reason: str, verbose: bool) -> bool:
        """Whether to stop, as nothing gets better; 'adaptive' rather steps more slowly, while it can."""
        if self.lr_schedule != "adaptive" or self.rate <= LEAST_RATE:
            if verbose:
                print(reason + (" Stopping." if self.lr_schedule != "adaptive" else " Learning rate too small. Stopping."))
            return True
        self.rate /= 5.0
        if verbose:
            print(f"{reason} Setting learning rate to {self.rate:f}")
        self.hand_on(network)
        return False
