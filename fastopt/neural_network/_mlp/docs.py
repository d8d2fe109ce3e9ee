"""What the perceptrons say of their parameters and attributes: the text of each once, and the decorator that fills it in.

Used by the classifier and the regressor.  It must know no estimator.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from fastopt._estimators import docs
from fastopt._estimators.docs import Class

PARAMETERS = {
    "hidden_layer_sizes": """int or array-like of int
        Units of the hidden layers; an empty one for a linear model.""",
    "activation": """str or list of str
        Activation of the hidden layers, or of each: 'identity', 'logistic', 'tanh', 'relu', or 'leaky_relu', 'elu', 'selu', 'softplus', 'gelu',
        'gelu_tanh', 'silu', 'mish', 'exponential', 'hard_tanh', 'hard_sigmoid', 'relu6', 'hard_swish'.""",
    "solver": """{'lbfgs', 'sgd', 'adam'}
        Adam, or stochastic gradient descent with momentum, both on mini-batches; or L-BFGS on all rows at once.""",
    "alpha": """float
        Strength of the penalty alpha/2·‖W‖² of the weights, at least 0, divided by the sum of the weights of the rows of a batch;
        intercepts are not penalised.""",
    "batch_size": """int or 'auto'
        Rows of a mini-batch; 'auto' is min(200, n_samples).""",
    "learning_rate": """{'constant', 'invscaling', 'adaptive'}
        With ``solver='sgd'``, the learning rate: `learning_rate_init`; divided by t^power_t after t samples, at the end of an epoch; or
        divided by 5 whenever `n_iter_no_change` epochs bring no improvement, until it is 1e-6.""",
    "learning_rate_init": """float
        First learning rate of 'sgd', 'adam' and of an optimizer by name, above 0.""",
    "power_t": """float
        Exponent of 'invscaling'.""",
    "max_iter": """int
        Epochs at most, or iterations of 'lbfgs'.""",
    "shuffle": """bool
        Whether each epoch visits the samples in a new order.""",
    "random_state": """int, RandomState or None
        Seed of the first weights, of the split of `early_stopping` and of the order of samples, drawn in this order in each call of
        `fit` and `partial_fit`.""",
    "tol": """float
        Training stops when `n_iter_no_change` epochs in a row, and one more, have not bettered the best training loss, or validation score
        with `early_stopping`, by `tol`; the tolerance of the gradient with 'lbfgs'.""",
    "verbose": """bool or int
        Whether to print the loss of each epoch.""",
    "warm_start": """bool
        Go on with the weights of the earlier fit.""",
    "momentum": """float
        Momentum of 'sgd', from 0 to 1.""",
    "nesterovs_momentum": """bool
        Whether it is Nesterov's.""",
    "early_stopping": """bool
        Stop by the score on validation data, on `eval_set` of `fit` or a part of the data that is held out{stratified}, and return the
        weights of the epoch with the best one.""",
    "validation_fraction": """float
        Share of the samples that early stopping holds out, below 1.""",
    "beta_1": """float
        Decay of Adam's first moments, at least 0 and below 1.""",
    "beta_2": """float
        Decay of its second moments.""",
    "epsilon": """float
        What Adam adds to the roots of second moments, above 0.""",
    "n_iter_no_change": """int or inf
        Epochs without improvement that are borne; inf: all.""",
    "max_fun": """int
        Evaluations of the loss at most, with 'lbfgs'.""",
    "class_weight": """dict, 'balanced' or None
        Weights of classes, ``{label: weight}``; 'balanced': n/(k·count of the class).  They multiply sample weights; not for several labels
        a sample.""",
    "init": """{'scikit-learn', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_normal', 'orthogonal'}
        How the first weights are drawn; 'scikit-learn' draws intercepts too, which all others begin at 0.""",
    "optimizer": """str, Optimizer or None
        The update rule in place of the solver's: a name of ``fastopt.optimizers.names()``, with learning rate `learning_rate_init`, or an
        instance, made on any array, whose settings count; 'muon' steps the weights, AdamW then intercepts; of 'asgd' and the
        schedule-free ones the weights are the average that they recommend.  `solver` must be 'adam' or 'sgd', where it changes nothing else.""",
    "optimizer_params": """dict or None
        Further settings of an optimizer by name, by the names that its class has for them, as ``{"betas": (0.9, 0.99)}``.""",
    "schedule": """callable or None
        Learning rate of step t = 0, 1, …, in place of `learning_rate` and `learning_rate_init`: a schedule of ``fastopt.schedules`` or another
        callable of the step; a mini-batch is a step.  `ReduceOnPlateau` is told, after each epoch, the validation score if its mode is
        'max', else the validation loss or, without validation data, the training loss.  A copy is trained with.""",
    "scoring": """str, callable or None
        What early stopping stops by and picks the best epoch by: None, {score}; 'loss', less of the loss on validation data; or a
        scorer of scikit-learn or its name.""",
    "restore_best": """bool
        Return the weights of the epoch that was best by what stops training: the training loss, where there is no early stopping, which
        always does.""",
    "keep_gradient_norms": """bool
        Whether to keep `gradient_norms_`, by which vanishing and exploding gradients are seen.""",
    "n_jobs": """int or None
        Threads; None is as many as fastopt may use, -1 all that the process may use.  Results do not depend on it.""",
}
ATTRIBUTES = {
    "classes_": """ndarray of shape (n_classes,)
        The labels, sorted.""",
    "coefs_": """list of ndarray of shape (inputs, units)
        Weights of each layer, of the type of X.  Users may put others in their place before they go on with `partial_fit`.""",
    "intercepts_": """list of ndarray of shape (units,)
        Intercepts of each layer.""",
    "loss_": """float
        Mean loss of the last epoch, with the penalty, measured on the way.""",
    "loss_curve_": """list of float
        That of each epoch, not with 'lbfgs'.""",
    "best_loss_": """float or None
        The least of these; None with `early_stopping`; not with 'lbfgs'.""",
    "validation_scores_": """list of float or None
        Score of each epoch on the validation data; None without `early_stopping`.""",
    "best_validation_score_": """float or None
        The best of them.""",
    "validation_loss_curve_": """list of float
        Mean loss of each epoch on the validation data, without penalty; only where there are any.""",
    "gradient_norms_": """list of list of float
        Norm of the gradient of each layer in the last batch of each epoch; only with `keep_gradient_norms`.""",
    "best_iter_": """int
        The epoch whose weights were kept; only with `early_stopping` or `restore_best`.""",
    "n_iter_": """int
        Epochs of the last call, or iterations.""",
    "t_": """int
        Samples that training has seen.""",
    "n_layers_": """int
        Layers, inputs among them.""",
    "n_outputs_": """int
        Units of the last layer.""",
    "out_activation_": """str
        What is made of its raw predictions.""",
    "n_features_in_": """int
        Features seen.""",
    "feature_names_in_": """ndarray of shape (n_features_in_,)
        Their names, if all are strings.""",
}


def documented(without: Sequence[str] = (), **words: str) -> Callable[[Class], Class]:
    """Fill a class's docstring from these texts, as `_estimators.docs.documented` does."""
    return docs.documented("fastopt.neural_network", PARAMETERS, ATTRIBUTES, without, **words)
