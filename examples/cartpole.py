"""A pole is balanced on a cart by a linear policy: REINFORCE and PPO on CartPole, written in NumPy.

The policy sees position, speed, angle and its change, and pushes left or right; a reward of 1 a step, 200 steps at most.  64 carts are driven
side by side.  Solved is a mean of 195.
Runs in some seconds:  python examples/cartpole.py
"""
import numpy as np

from fastopt import losses, optimizers

STEPS, CARTS = 200, 64


def push(state, right):
    """CartPole of Barto, Sutton and Anderson (1983), as Gymnasium has it: one step of 0.02 s; the new state, and whether it is over."""
    x, speed, angle, turn = state.T
    force = np.where(right, 10.0, -10.0)
    part = (force + 0.05 * turn ** 2 * np.sin(angle)) / 1.1
    bend = (9.8 * np.sin(angle) - np.cos(angle) * part) / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
    move = part - 0.05 * bend * np.cos(angle) / 1.1
    state = state + 0.02 * np.stack([speed, move, turn, bend], axis=1)
    return state, (np.abs(state[:, 0]) > 2.4) | (np.abs(state[:, 2]) > np.pi / 15)


def drive(W, rng):
    """States (T, n, 5), actions (T, n), and which steps were still driven (T, n)."""
    state, alive = rng.uniform(-0.05, 0.05, (CARTS, 4)), np.ones(CARTS, bool)
    states, actions, driven = [], [], []
    while alive.any() and len(states) < STEPS:
        seen = np.column_stack([state, np.ones(CARTS)])
        scores = seen @ W
        right = rng.random(CARTS) < 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
        states.append(seen), actions.append(right.astype(int)), driven.append(alive)
        state, over = push(state, right)
        alive = alive & ~over
    return np.array(states), np.array(actions), np.array(driven)


def learn(name, rounds, seed=0):
    """The mean number of steps before each round of learning."""
    rng, W, history = np.random.default_rng(seed), np.zeros((5, 2)), []
    adam = optimizers.Adam([W], lr=0.05)
    for _ in range(rounds):
        states, actions, driven = drive(W, rng)
        history.append(driven.sum(axis=0).mean())
        worth = losses.returns(driven.astype(float), discount=0.98)
        better = worth - worth.sum(axis=1, keepdims=True) / np.maximum(driven.sum(axis=1, keepdims=True), 1)   # than other carts at that step
        X, y, A = states[driven], actions[driven], better[driven]
        A = A / (A.std() + 1e-8)
        if name == "REINFORCE":
            adam.step([X.T @ losses.PolicyGradient(entropy=0.01).gradient(y, X @ W, A)])
            continue
        ppo = losses.PPOClip(clip=0.2, entropy=0.01)
        old = ppo.log_probabilities(y, X @ W)
        for _ in range(5):
            adam.step([X.T @ ppo.gradient(y, X @ W, A, old)])
    return history


for name, rounds in (("REINFORCE", 150), ("PPO", 60)):
    history = learn(name, rounds)
    solved = next((i for i, steps in enumerate(history) if steps >= 195), None)
    print(f"{name}: " + ", ".join(f"{steps:.0f}" for steps in history[::10]) + f" steps every 10 rounds; solved after round {solved}")
