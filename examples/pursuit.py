"""A follower on a line is pushed to where its target is: PPO with a Gaussian policy and a critic, and double Q-learning with pushes to choose from.

It sees how far off the target is and its own speed; a reward is −distance² − speed²/10.  Both learners are linear: the policy in what is seen,
the critic in squares and products of it, Q-values in bumps over the plane.  Compared with standing still and with the best linear controller.
Runs in some seconds:  python examples/pursuit.py
"""
import numpy as np
from scipy.linalg import solve_discrete_are

from fastopt import losses, optimizers

STEPS, PURSUERS, DISCOUNT = 40, 128, 0.95
A, B = np.array([[1.0, 0.2], [0.0, 0.95]]), np.array([[0.02], [0.2]])   # distance and speed after 0.2 s, with some friction


def start(rng):
    return np.column_stack([rng.uniform(-1, 1, PURSUERS), rng.uniform(-0.5, 0.5, PURSUERS)])


def push(state, force):
    """The next state, and the reward of this step."""
    reward = -state[:, 0] ** 2 - 0.1 * state[:, 1] ** 2 - 0.01 * force ** 2
    return state @ A.T + np.clip(force, -3, 3)[:, None] * B.T, reward


def run(control, seed=1):
    """The mean of the rewards of an episode."""
    state, total = start(np.random.default_rng(seed)), 0.0
    for _ in range(STEPS):
        state, reward = push(state, control(state))
        total += reward.mean()
    return total


def squares(state):
    x, v = state[..., 0], state[..., 1]
    return np.stack([np.ones_like(x), x * x, x * v, v * v], axis=-1)


def learn_policy(rounds=60, seed=0):
    """PPO: the weights of the mean push."""
    rng, W, log_std, critic = np.random.default_rng(seed), np.zeros((2, 1)), np.zeros(1), np.zeros(4)
    ppo, value_loss = losses.PPOClip(clip=0.2, entropy=1e-3, policy="gaussian"), losses.ValueFunction(clip=0.5)
    policy_adam, critic_adam = optimizers.Adam([W, log_std], lr=0.03), optimizers.Adam([critic], lr=0.1)
    for _ in range(rounds):
        state, states, pushes, rewards = start(rng), [], [], []
        for _ in range(STEPS):
            force = (state @ W)[:, 0] + np.exp(log_std[0]) * rng.normal(size=PURSUERS)
            states.append(state), pushes.append(force)
            state, reward = push(state, force)
            rewards.append(reward)
        X, actions, seen = np.concatenate(states), np.concatenate(pushes)[:, None], squares(np.array(states))
        old_values = seen @ critic
        better = losses.advantages(np.array(rewards), old_values, discount=DISCOUNT, bootstrap=squares(state) @ critic)
        worth, features = (better + old_values).ravel(), seen.reshape(-1, 4)
        better = (better - better.mean()).ravel() / (better.std() + 1e-8)
        old = ppo.log_probabilities(actions, (X @ W, log_std))
        for _ in range(10):
            in_mean, in_log_std = ppo.gradient(actions, (X @ W, log_std), better, old)
            policy_adam.step([X.T @ in_mean, in_log_std])
            critic_adam.step([features.T @ value_loss.gradient(worth, features @ critic, old_values.ravel())])
    return W


PUSHES = np.array([-3.0, -1.0, -0.3, 0.0, 0.3, 1.0, 3.0])
CENTRES = np.stack(np.meshgrid(np.linspace(-1.2, 1.2, 13), np.linspace(-1.5, 1.5, 9)), axis=-1).reshape(-1, 2)


def bumps(state):
    """(n, 117): how near a state is to each centre, adding up to 1."""
    near = np.exp(-((state[:, None] - CENTRES) / [0.2, 0.375]) ** 2 @ [0.5, 0.5])
    return near / near.sum(axis=1, keepdims=True)


def learn_values(rounds=1500, seed=0):
    """Double Q-learning from single steps out of a memory of random pushes: the weights of the Q-values."""
    rng = np.random.default_rng(seed)
    states = np.column_stack([rng.uniform(-1.2, 1.2, 6000), rng.uniform(-1.5, 1.5, 6000)])
    actions = rng.integers(0, len(PUSHES), 6000)
    following, rewards = push(states, PUSHES[actions])
    X, after, Q = bumps(states), bumps(following), np.zeros((len(CENTRES), len(PUSHES)))
    target, dqn, adam = Q.copy(), losses.DQN(gamma=DISCOUNT), optimizers.Adam([Q], lr=0.02)
    for step in range(rounds):
        rows = rng.integers(0, len(X), 256)
        in_q = dqn.gradient(actions[rows], X[rows] @ Q, rewards[rows], np.zeros(256), after[rows] @ target, after[rows] @ Q)
        adam.step([X[rows].T @ in_q])
        if step % 25 == 24:
            target = Q.copy()
    return Q


P = solve_discrete_are(A * np.sqrt(DISCOUNT), B * np.sqrt(DISCOUNT), np.diag([1.0, 0.1]), np.array([[0.01]]))
gain = np.linalg.solve(0.01 + DISCOUNT * B.T @ P @ B, DISCOUNT * B.T @ P @ A)[0]
W = learn_policy()
Q = learn_values()
print(f"standing still: {run(lambda state: np.zeros(len(state))):.2f} a run")
print(f"PPO, Gaussian: {run(lambda state: (state @ W)[:, 0]):.2f}, which pushes {W[0, 0]:.1f}·distance {W[1, 0]:+.1f}·speed")
print(f"double DQN: {run(lambda state: PUSHES[(bumps(state) @ Q).argmax(axis=1)]):.2f}")
print(f"best linear controller: {run(lambda state: -state @ gain):.2f}")
