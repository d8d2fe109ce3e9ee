"""Write losses.md, the page of all losses, and the picture in it, from the register of losses.

    python docs/make_losses.py          # losses.md
    python docs/make_losses.py --plot   # losses.png too, with matplotlib

A test compares the page with what this would write.
"""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from fastopt import losses

HERE = Path(__file__).parent
HEAD = """# Losses

Every loss of `fastopt.losses`, written by `python docs/make_losses.py` from the register (`losses.available()`). `y` is the target, `p` the raw
prediction; `value`, `gradient` and `value_and_gradient` take arrays of any shape, with `sample_weight`; losses of several classes, of rows and of
levels take rows of predictions, (n, k), and a weight a row.
`reduction="sum"` gives Σ weight·loss in place of the mean, `"none"` each weight·loss by itself.
[examples/many_classes.py](../examples/many_classes.py) has the losses of several classes side by side. Each is learnt by SGD, mini-batches,
`LinearObjective`, `minimize` and, where convex, the solvers.

*Outliers*: what an error far out pulls with. *grows*: in proportion to its size or faster; *bounded*: as much as a middling one; *fades*: less
the farther it is. *Smooth*: the derivative is continuous, which L-BFGS and Newton's method need.
"""
#: of classes that are no `Loss`: what they are for, what they say of their arguments, and who they are
APART = {
    "Pairs of embeddings": ("`value_and_gradient(a, b)` of two arrays (n, d), row i of one belonging to row i of the other, gives the gradients in "
                            "both; with `temperature=…` in it, too.\nSee [examples/contrastive_digits.py](../examples/contrastive_digits.py).",
                            (losses.InfoNCE, losses.NTXent, losses.SigLIP)),
    "Labels": ("Rows of k labels, each 0 or 1 by itself: `y` and `p` of shape (n, k), a weight a row. They have `value`, `gradient` and "
               "`value_and_gradient`\nas all losses do; objectives and estimators do not take them.",
               (losses.MultilabelCrossEntropy, losses.Dice, losses.Tversky)),
    "Metric learning": ("`Triplet` and `Circle` take labels and embeddings, `value_and_gradient(y, p)`; `Triplet.explicit(anchor, near, far)` takes "
                        "triplets.\n`ContrastivePair` and `CosineEmbedding` take pairs, `value_and_gradient(y, a, b)`; `ArcFace` takes weights of "
                        "classes too,\n`value_and_gradient(y, p, w)`. Gradients are in all inputs. See "
                        "[examples/metric_digits.py](../examples/metric_digits.py).",
                        (losses.Triplet, losses.Circle, losses.ContrastivePair, losses.CosineEmbedding, losses.ArcFace)),
    "Rankings": ("Documents of queries: `value_and_gradient(y, p, group)`, `group` the sizes of the queries as in LightGBM, or `qid=…`, the query "
                 "of each\ndocument, in any order; `sample_weight` is one of queries. `ndcg(y, p, group, k)` is the measure. `BPR` takes pairs of "
                 "scores:\n`value_and_gradient(positive, negative)`.",
                 (losses.PairwiseLogistic, losses.MarginRanking, losses.ListNet, losses.LambdaRank, losses.BPR)),
    "Survival": ("`value_and_gradient(y, p)` where y is `(time, event)` or an array with two fields as in scikit-survival, p the logarithm of the "
                 "risk;\n`sample_weight`, `strata`, `hessp` and `hessian_diagonal` too. `concordance(y, p)` is the measure. See "
                 "[examples/cox.py](../examples/cox.py);\n`GeneralizedLinearEstimator(losses.Cox())` learns linear models.",
                 (losses.Cox,)),
}
TAIL = """
## Sequences

`CTC` and `Transducer` are losses of sequences whose alignment with the frames is not known, the first with greedy and beam decoding;
`SequenceCrossEntropy` is that of tokens one by one, with lengths and masks, `perplexity` what it comes to; `MinimumRisk` and `SelfCritical`
learn from what whole sequences cost, `edit_distance` for example: [sequences.md](sequences.md).

## Policies

`PolicyGradient(entropy)` (REINFORCE, Williams 1992) and `PPOClip(clip, entropy)` (Schulman et al. 2017) take the actions, their raw scores and
how much better than expected they turned out to be: `returns` and `advantages` (generalised advantage estimation) say that, over the steps of
many episodes side by side. With `policy="gaussian"` actions are numbers, and instead of scores there are means and logarithms of standard
deviations. `ValueFunction(kind, clip)` is the loss of a critic, clipped as PPO does; `DQN(loss, delta, gamma, double)` that of Q-learning, whose
`td_errors` a replay may be prioritised by. [examples/cartpole.py](../examples/cartpole.py) balances a pole by policies,
[examples/pursuit.py](../examples/pursuit.py) follows a target by a Gaussian policy with a critic, and by Q-learning.

## Adversaries

`Adversarial(kind)` is the game of a generator and a discriminator: `discriminator(real, fake)` and `generator(fake)` give the value and the gradients
in the discriminator's raw scores, for the kinds 'non_saturating', 'minimax', 'least_squares', 'hinge' and 'wasserstein'; `gradient_penalty` is what
the last wants beside. [examples/gan_ring.py](../examples/gan_ring.py) learns a ring of eight Gaussians.

## Several tasks

`WeightedSum(losses, weights)` adds losses up; `MultiTask(kinds)` weights those of several tasks by uncertainties that are learnt (Kendall et al.
2018), `GradNorm(tasks)` so that their gradients are of one size (Chen et al. 2018). `pcgrad` and `mgda` make one step of several gradients: without
what in each points against another (Yu et al. 2020), or the shortest mean, along which no task gets worse (Désidéri 2012, Sener & Koltun 2018).
[examples/multi_task.py](../examples/multi_task.py) learns two tasks of which one is noisy.

## Probabilities and cosines

`NLL(pos_weight, eps)` takes probabilities, of a 1 or of each class, of who holds those and not raw scores. `CosineSimilarity` is minus the cosine of
rows, with gradients in both.

## Images

`SSIM(data_range)` is 1 − the structural similarity (Wang et al. 2004), `TotalVariation(isotropic, eps)` what neighbours differ by (Rudin et al.
1992), both of images (H, W), (C, H, W) or (N, C, H, W), with the gradient in each pixel. `ContentStyle(content_weights, style_weights)` (Gatys et al.
2016) compares feature maps, a layer each, with those of a content and with the Gram matrices of a style, and gives the gradients in them.
[examples/style_transfer.py](../examples/style_transfer.py) paints a photograph by all three's gradients.

## Likelihoods whose scale is learnt

`GaussianNLL`, `LaplaceNLL`, `NegativeBinomialNLL` take `(y, p, log_scale)`, `StudentTNLL` and `AdaptiveRobust` (Barron 2019) take
`(y, p, log_scale, shape)`; they give the gradient in each input but y. Scales and shapes are numbers, or arrays that broadcast to the shape of p;
they may be any real numbers. [examples/adaptive_loss.py](../examples/adaptive_loss.py) finds out how robust it has to be.

## Names, and losses of your own

`losses.get` knows the names that PyTorch and Keras use too. `losses.check_gradient(loss, y, p)` compares the gradient of any loss, one of your
own for example, with central differences, and names the worst element.

`CompiledLoss` makes a loss of a C function of one sample, which returns the value and writes the derivatives: one that numba compiled, one of a
library, or any `scipy.LowLevelCallable`. It runs where the losses of the tables run, inside their loops and threads: over rows of 784 columns SGD
and mini-batches reach 0.84 to 0.89 of the speed of the log loss built in, over 28 columns, where the loss is most of the work, 0.31 to 0.49
(`pytest bench/bench_own_losses.py`).

`CustomLoss` is for a loss in Python, over all predictions at once, which need not be a sum over samples: derive a class from it that has
`value_and_gradient(y, p, sample_weight=None)`, and `LinearObjective`, `minimize` and `GeneralizedLinearEstimator` take it.

```python
import numba
import numpy as np
from fastopt import losses
from fastopt.linear_model import SGDRegressor

@numba.cfunc("double(double, double, CPointer(double))")
def pseudo_huber(y, p, derivatives):
    root = (1 + (p - y) ** 2) ** 0.5
    derivatives[0] = (p - y) / root          # first and second derivative in p
    derivatives[1] = 1 / root ** 3
    return root - 1

X = np.random.default_rng(0).normal(size=(1000, 3))
SGDRegressor(loss=losses.CompiledLoss(pseudo_huber)).fit(X, X @ [1.0, -2.0, 0.5])
```

![value of each loss by the error or the margin](losses.png)
"""


def pull(loss: losses.Loss) -> str:
    """What an error far out pulls with."""
    classifies = loss.target in ("sign", "unit")   # on the wrong side of class 1; or the target is far from its prediction
    near, far = (abs(float((loss.gradient([1.0], [-size]) if classifies else loss.gradient([size], [0.0]))[0])) for size in (20.0, 200.0))
    return "grows" if far > 2 * near else "fades" if far < near / 2 else "bounded"


def formula(kind: type) -> str:
    """The first paragraph of the docstring, as one line."""
    return " ".join((kind.__doc__ or "").strip().split("\n\n")[0].split()).replace("|", "\\|")


def rows(task: str) -> list[str]:
    """The lines of a table of the losses for a task."""
    found = []
    for info in losses.available():
        if info.task != task:
            continue
        kind = info.kind
        parameters = ", ".join(f"{key}={value}" for key, value in info.parameters.items()) or "–"
        outliers = "–" if kind.couples_outputs else pull(losses.get(info.name))
        names = ", ".join(f"`{name}`" for name in (info.name, *info.other_names))
        convex, smooth = ("yes" if holds else "no" for holds in (info.convex, info.smooth))
        found.append(f"| {names} | {formula(kind)} | {parameters} | {convex} | {smooth} | {outliers} |")
    return found


def page() -> str:
    """The text of losses.md."""
    parts = [HEAD]
    for task in dict.fromkeys(info.task for info in losses.available() if info.target):   # the others have arguments of their own
        parts.append(f"\n## {task[0].upper()}{task[1:]}\n\n| name | loss | parameters | convex | smooth | outliers |\n|---|---|---|---|---|---|\n"
                     + "\n".join(rows(task)) + "\n")
    for title, (text, kinds) in APART.items():
        lines = [f"| `{kind.__name__}` | {formula(kind)} | {', '.join(f'{k}={v}' for k, v in kind().params.items())} |" for kind in kinds]
        parts.append(f"\n## {title}\n\n{text}\n\n| class | loss | parameters |\n|---|---|---|\n" + "\n".join(lines) + "\n")
    return "".join([*parts, TAIL])


def draw(path: Path) -> None:
    """Value by error, and by margin."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
    grid = np.linspace(-4, 4, 801)
    for axis, targets, y, label in ((axes[0], ("real",), 0.0, "error p − y"), (axes[1], ("sign", "unit"), 1.0, "margin of class 1, p")):
        chosen = [info for info in losses.available() if info.target in targets and info.name in losses.names()]
        for i, info in enumerate(chosen):
            style = ("-", "--", ":")[i // 7]
            axis.plot(grid, losses.get(info.name).pointwise(np.full_like(grid, y), grid), style, label=info.name, linewidth=1.6)
        axis.set(xlabel=label, ylabel="loss", ylim=(-0.1, 4.5))
        axis.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    (HERE / "losses.md").write_text(page(), encoding="utf-8")
    if "--plot" in sys.argv[1:]:
        draw(HERE / "losses.png")
