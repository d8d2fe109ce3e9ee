"""The text of settings that several optimizers share.

Used by fastopt.optimizers._base.  Knows nothing but strings.
"""
from __future__ import annotations

#: key: type and text; the key is the setting's name, before a colon where settings of one name differ
SHARED = {
    "lr": ("float or callable", "Learning rate, or a schedule: a callable of the step."),
    "betas": ("tuple of two floats", "β1 and β2, of at least 0 and below 1."),
    "eps": ("float", "ε."),
    "weight_decay": ("float", "L2 penalty: weight_decay·w is added to the gradient."),
    "weight_decay:either": ("float", "Weight decay, by the gradient or, if decoupled, by itself."),
    "decoupled_weight_decay": ("bool", "w is multiplied by 1 − lr·weight_decay, instead of weight_decay·w being added to the "
                                       "gradient."),
    "weight_decay:decoupled": ("float", "Decoupled: w shrinks by lr·weight_decay."),
    "momentum": ("float", "μ, below 1."),
    "dampening": ("float", "τ."),
    "amsgrad": ("bool", "The largest v so far in place of v."),
    "eps_hat": ("bool", "ε is added to √v instead of √v̂, as in scikit-learn and Keras: ε̂ of the paper's section 2."),
    "moments": ("{'bfloat16', '8bit'} or None", "Keep m and v in 2 bytes or 1 for each weight, for less memory and traffic; "
                                                "see docs/optimizers.md."),
    "initial_accumulator_value": ("float", "v before the first step."),
    "r": ("float", "Power of t in the weights of the average."),
    "weight_lr_power": ("float", "Power of the largest learning rate so far in the weights of the average."),
}
