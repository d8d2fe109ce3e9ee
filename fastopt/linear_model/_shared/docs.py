"""What linear estimators say of their parameters and attributes: the text of each once, and the decorator that fills it in.

Used by linear_model.  It must know no estimator.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastopt._estimators import docs
from fastopt._estimators.docs import Class

PARAMETERS = {
    "nu": """float
        Upper bound of the share of training errors and lower bound of the share of support vectors, above 0 and at
        most 1.""",
    "penalty": """{'l2', 'l1', 'elasticnet', None}
        What keeps weights small: alpha/2·‖w‖² ('l2'), alpha·‖w‖₁ ('l1', which makes weights exactly 0), a mixture, or
        nothing.  The intercept is not penalised.""",
    "alpha": """float
        Strength of the penalty, at least 0; also sets the learning rate where `learning_rate` is 'optimal'.""",
    "l1_ratio": """float or None
        Share of l1 in 'elasticnet', from 0 to 1; not used with other penalties.""",
    "fit_intercept": """bool
        Whether to learn an intercept; with CSR data it moves by 0.01 of its step, as in scikit-learn, but not in
        mini-batches.""",
    "max_iter": """int
        Passes over the data (epochs) at most, in `fit`.""",
    "tol": """float or None
        Training stops when `n_iter_no_change` epochs in a row have not bettered the best training objective, or
        validation score if `early_stopping`, by `tol`.  None: it does not stop before `max_iter`.""",
    "shuffle": """bool
        Whether each epoch visits the samples in a new order.""",
    "verbose": """int
        Above 0: print norm, loss and time of each epoch.""",
    "epsilon": """float
        Parameter of the losses 'huber' (its delta), 'epsilon_insensitive' and 'squared_epsilon_insensitive' that go by
        name; an instance such as ``losses.Huber(delta=2.0)`` has its own.""",
    "n_jobs": """int or None
        Threads that share the classes in `fit`, the columns in mini-batches (of CSR X where the indices of each row
        ascend and columns are many beside the values of a batch), and the rows in prediction; None is 1, -1 all that the
        process may use.  Results do not depend on it.""",
    "random_state": """int, RandomState or None
        Seed of the order of samples and of the split of `early_stopping`.""",
    "learning_rate": """{'constant', 'optimal', 'invscaling', 'adaptive'{passive_names}}
        Learning rate of step t: `eta0`; 1/(alpha·(t0 + t)) with Bottou's t0; eta0/t^power_t; or `eta0` divided by 5
        whenever `n_iter_no_change` epochs bring no improvement.{passive}""",
    "eta0": """float
        First learning rate of 'constant', 'invscaling' and 'adaptive'; above 0.""",
    "power_t": """float
        Exponent of 'invscaling'.""",
    "early_stopping": """bool
        Stop by the score on validation data, not by the training objective: on `eval_set` of `fit`, else on a part of
        the data that is held out{stratified}.""",
    "validation_fraction": """float
        Share of the samples that early stopping holds out, between 0 and 1.""",
    "n_iter_no_change": """int
        Epochs without improvement after which training stops, or 'adaptive' divides its rate.""",
    "class_weight": """dict, 'balanced' or None
        Weights of classes, ``{label: weight}``; 'balanced': n/(k·count of the class).""",
    "warm_start": """bool
        Start at the weights of the earlier fit.""",
    "average": """bool or int
        Return the average of the weights over all steps, or from step number `average` on.""",
    "restore_best": """bool
        Return the weights of the epoch with the best score on validation data, or, without those, with the lowest mean
        training loss.""",
}

PARAMETERS.update({
    "optimizer": """str or None
        The update rule: a name of ``fastopt.optimizers.names()``, as 'adam'; None is 'sgd', by samples if nothing else asks
        for batches.  Its learning rate is `schedule`, else that of `learning_rate`, where 'optimal' means 'constant'; 'dog'
        and 'prodigy' find theirs, and `eta0` or `schedule` is a factor of it, 1 as a rule.  The penalty is on the weights
        alone: l1 by proximal steps, l2 as the rule's own `weight_decay` with ``weight_decay=alpha``.  That is alpha·w in the
        gradient for most; 'adamw', 'lion', 'lamb', 'adabelief', 'prodigy' and others whose decay is decoupled shrink the
        weights by lr·alpha·w beside the step, which is not the minimum of the penalised loss.  No rule decays by a default
        of its own but 'asgd', by its `lambd`.  'muon' steps the matrix of weights, (outputs, features), along an orthogonal
        one, a single row of them along its direction; the intercepts, which are no matrix, by 'adamw' with its defaults and the
        same learning rate; `penalty` must be 'l2', whose decay is decoupled, or None.  'auto' needs neither a learning rate nor
        scaled columns: `learning_rate`, `eta0`, `power_t` and `average` are not used, the penalty is on the weights of standardised columns, and
        max(10, 50,000/n) epochs are enough, without a warning.""",
    "batch_size": """int, strategy of fastopt.batching or None
        Rows of a mini-batch: one step along the mean of their gradients, each times its sample and class weight.  The last
        batch of an epoch may be smaller.  None: 1, or 32 with ``optimizer='auto'``.  `NoiseScale` learns from the
        two halves of each batch, which has 2 rows at least; the next one has the new size.  With
        CSR X batches run on one thread; small ones step only the columns that they touch with the optimizers 'sgd', 'ftrl' and,
        without l2, 'adagrad', and all weights with the others and with `average`.""",
    "schedule": """callable or None
        Learning rate of step t = 0, 1, …, in place of `learning_rate` and `eta0`: a schedule of ``fastopt.schedules`` or
        another callable of the step; a mini-batch is a step.  `ReduceOnPlateau` is told, after each epoch, the score on
        validation data if its mode is 'max'; if it is 'min', 1 − score or, without such data, the mean training loss.
        `PolyakStep` is told, before each step, the losses of the batch, summed over the outputs and weighted as the gradient
        is, and the squared norm of that gradient, both without the penalty and before `clip_norm`.  A copy is trained with, and goes on in
        `partial_fit`; the object given stays as it is.""",
    "clip_norm": """float or None
        The gradient of a batch, of all outputs and intercepts together and without the penalty, is scaled down to this norm
        where it is longer; above 0.""",
    "multi_class": """{'ovr', 'multinomial'}
        More than two classes as one against the rest each, or by the cross-entropy of their softmax; the latter with
        ``loss='log_loss'`` and by mini-batches.""",
    "optimizer_params": """dict or None
        Further settings of the optimizer, by the names that its class in ``fastopt.optimizers`` has for them, as
        ``{"betas": (0.9, 0.99)}``.  Learning rate, weight decay and clipping of norms are parameters of the estimator.""",
    "parallel": """'hogwild' or None
        How `n_jobs` threads share mini-batches.  None: the columns of X; results do not depend on their number.
        'hogwild': batches, which step the same weights without locks, also with CSR X; results are not reproducible, and a
        batch ends with its block of some thousand rows at the latest.  For the optimizers 'sgd' without momentum and 'adagrad',
        without `clip_norm` and `average`; the same as None on one thread [Niu et al. (2011), Hogwild!, NeurIPS].""",
})


def passive_aggressive(loss: str) -> dict[str, Any]:
    """Words for an estimator that takes passive-aggressive steps, with the loss that they go with."""
    return {"passive_names": ", 'pa1', 'pa2'",
            "passive": f"  'pa1' and 'pa2' are the passive-aggressive\n    steps I and II, of aggressiveness `eta0` [1]_; they "
                       f"go with loss={loss!r} only."}


ATTRIBUTES = {
    "coef_": """ndarray of shape {coef}
        Weights, of the type of X.""",
    "intercept_": """ndarray of shape {intercept}
        Intercepts.""",
    "offset_": """ndarray of shape (1,)
        ``decision_function = score_samples - offset_``.""",
    "classes_": """ndarray of shape (n_classes,)
        The labels, sorted.""",
    "n_iter_": """int
        Epochs done, the most of any output.""",
    "t_": """float
        Number of the next step: ``n_iter_ * n_samples + 1`` after `fit`; a mini-batch is one step.""",
    "n_features_in_": """int
        Features seen.""",
    "feature_names_in_": """ndarray of shape (n_features_in_,)
        Their names, if all are strings.""",
    "loss_curve_": """list of float
        Mean training loss of each epoch, without the penalty, measured on the way.""",
    "validation_curve_": """list of float
        Score of each epoch on the validation data; only where there are any.""",
    "best_iter_": """int
        The epoch whose weights were kept; only with `restore_best`.""",
}


def documented(without: Sequence[str] = (), parameters: Mapping[str, str] = PARAMETERS, attributes: Mapping[str, str] = ATTRIBUTES,
               **words: str) -> Callable[[Class], Class]:
    """Fill a class's docstring from these texts, as `_estimators.docs.documented` does; the class is one of linear_model."""
    return docs.documented("fastopt.linear_model", parameters, attributes, without, **words)
