"""What a call costs that has little to do: losses of sequences and of reinforcement learning, value and gradient of 20 samples, beside what the
same is in PyTorch where it is installed, in turn.

    pytest bench/bench_loss_calls.py --benchmark-json=calls.json && python bench/report.py calls.json
"""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from turns import in_turn

import fastopt as fo

try:
    import torch
except ImportError:
    torch = None

N = 20
rng = np.random.default_rng(0)
LABELS, TOKENS = rng.integers(0, 6, (N, 5)), rng.standard_normal((N, 5, 6)).astype(np.float32)
SAID, JOINT = rng.integers(1, 5, (N, 2)), rng.standard_normal((N, 4, 3, 5)).astype(np.float32)
COSTS, DRAWN = rng.random((N, 4)).astype(np.float32), -rng.random((N, 4)).astype(np.float32)
ACTIONS, SCORES, ONLINE, NEXT = rng.integers(0, 3, N), *rng.standard_normal((3, N, 3)).astype(np.float32)
PUSHES, MEAN, LOG_STD = *rng.standard_normal((2, N, 2)).astype(np.float32), np.zeros(2, np.float32)
BETTER, REWARDS, OLD = rng.standard_normal((3, N)).astype(np.float32)
DONE = (rng.random(N) < 0.2).astype(np.float32)


def calls():
    """{name: a call of ours}."""
    losses = fo.losses
    chosen = losses.PPOClip().log_probabilities(ACTIONS, SCORES)
    density = losses.PPOClip(policy="gaussian").log_probabilities(PUSHES, (MEAN, LOG_STD))
    return {
        "SequenceCrossEntropy": partial(losses.SequenceCrossEntropy().value_and_gradient, LABELS, TOKENS),
        "Transducer": partial(losses.Transducer().value_and_gradient, SAID, JOINT),
        "MinimumRisk": partial(losses.MinimumRisk().value_and_gradient, COSTS, DRAWN),
        "SelfCritical": partial(losses.SelfCritical().value_and_gradient, COSTS, DRAWN),
        "PolicyGradient": partial(losses.PolicyGradient(0.01).value_and_gradient, ACTIONS, SCORES, BETTER),
        "PPOClip": partial(losses.PPOClip(0.2, 0.01).value_and_gradient, ACTIONS, SCORES, BETTER, chosen),
        "PPOClip, gaussian": partial(losses.PPOClip(0.2, 0.01, "gaussian").value_and_gradient, PUSHES, (MEAN, LOG_STD), BETTER, density),
        "ValueFunction": partial(losses.ValueFunction(clip=0.2).value_and_gradient, REWARDS, BETTER, OLD),
        "DQN": partial(losses.DQN().value_and_gradient, ACTIONS, SCORES, REWARDS, DONE, NEXT, ONLINE),
        "returns": partial(losses.returns, REWARDS, 0.99, DONE),
        "advantages": partial(losses.advantages, REWARDS, BETTER, 0.99, 0.95, DONE),
    }


def differentiated(value, *inputs):
    """A call that takes the gradient of value() in the inputs."""
    def call():
        for x in inputs:
            x.grad = None
        value().backward()
    return call


def in_torch():
    """{name: the same in PyTorch}; for the others there is nothing there."""
    torch.set_num_threads(1)
    F = torch.nn.functional
    tokens, drawn, scores, mean, log_std, values = (torch.from_numpy(a.copy()).requires_grad_()
                                                    for a in (TOKENS, DRAWN, SCORES, MEAN, LOG_STD, BETTER))
    labels, costs, actions, pushes, better, rewards, old, done, online, following = map(
        torch.from_numpy, (LABELS, COSTS, ACTIONS, PUSHES, BETTER, REWARDS, OLD, DONE, ONLINE, NEXT))
    chosen = torch.distributions.Categorical(logits=scores).log_prob(actions).detach()
    density = torch.distributions.Normal(mean, log_std.exp()).log_prob(pushes).sum(1).detach()

    def policy(distribution, log_probability, entropy, before=None):
        gain = better * log_probability if before is None else torch.min(
            (ratio := (log_probability - before).exp()) * better, ratio.clamp(0.8, 1.2) * better)
        return -gain.mean() - 0.01 * entropy.mean()

    def categorical(before=None):
        found = torch.distributions.Categorical(logits=scores)
        return policy(found, found.log_prob(actions), found.entropy(), before)

    def gaussian():
        found = torch.distributions.Normal(mean, log_std.exp())
        return policy(found, found.log_prob(pushes).sum(1), found.entropy().sum(1), density)

    def clipped():
        moved = old + (values - old).clamp(-0.2, 0.2)
        return 0.5 * torch.max((values - rewards) ** 2, (moved - rewards) ** 2).mean()

    def q_learning():
        with torch.no_grad():
            target = rewards + 0.99 * (1 - done) * following.gather(1, online.argmax(1, keepdim=True))[:, 0]
        return F.smooth_l1_loss(scores.gather(1, actions[:, None])[:, 0], target)
    return {
        "SequenceCrossEntropy": differentiated(lambda: F.cross_entropy(tokens.flatten(0, 1), labels.flatten()), tokens),
        "MinimumRisk": differentiated(lambda: (drawn.softmax(1) * costs).sum(1).mean(), drawn),
        "SelfCritical": differentiated(lambda: ((costs - (costs.sum(1, keepdim=True) - costs) / 3) * drawn).mean(), drawn),
        "PolicyGradient": differentiated(categorical, scores),
        "PPOClip": differentiated(lambda: categorical(chosen), scores),
        "PPOClip, gaussian": differentiated(gaussian, mean, log_std),
        "ValueFunction": differentiated(clipped, values),
        "DQN": differentiated(q_learning, scores),
    }


@pytest.mark.parametrize("name", calls())
def test_twenty_samples(benchmark, name):
    rivals = {"fastopt": calls()[name]}
    if torch is not None and name in in_torch():
        rivals["torch"] = in_torch()[name]
    seconds = in_turn(rivals)
    benchmark.group = f"20 samples: {name}"
    benchmark.extra_info.update(case=name, step_group="value and gradient of 20 samples", bytes=0, steps=seconds)
    benchmark.pedantic(rivals["fastopt"], rounds=5, iterations=20, warmup_rounds=1)
