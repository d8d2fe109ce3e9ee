"""Two small networks play a game: one makes points, the other tells them from a ring of eight Gaussians, until it cannot.

Both have two hidden layers, whose passes back and forth are a few lines of NumPy; the losses are fastopt.losses.Adversarial, the steps Adam.
A mode is covered if at least 20 of 2000 points are within four standard deviations of it; such points are good ones.  The least squares game is
played, on points with a little noise that fades, which keeps the generator from one mode alone.
Runs in half a minute:  python examples/gan_ring.py [--plot]
"""
import sys

import numpy as np

import fastopt as fo

rng = np.random.default_rng(0)
WIDTH, NOISE, BATCH, STEPS, SPREAD = 64, 8, 256, 6000, 0.1
angles = np.arange(8) * np.pi / 4
CENTRES = 2 * np.column_stack([np.cos(angles), np.sin(angles)])


def ring(n):
    return CENTRES[rng.integers(0, 8, n)] + SPREAD * rng.standard_normal((n, 2))


def network(*sizes):
    """Weights and intercepts of each layer."""
    return [part for a, b in zip(sizes, sizes[1:]) for part in (rng.standard_normal((a, b)) * np.sqrt(2 / a), np.zeros(b))]


def forward(parts, x):
    """What the network says, and what each layer saw."""
    seen = [x]
    for i in range(0, len(parts), 2):
        x = x @ parts[i] + parts[i + 1]
        if i + 2 < len(parts):
            x = np.where(x > 0, x, 0.2 * x)
            seen.append(x)
    return x, seen


def backward(parts, seen, g):
    """The gradients in the weights and in the input, from that in the output."""
    found = []
    for i in range(len(parts) - 2, -1, -2):
        found = [seen[i // 2].T @ g, g.sum(axis=0), *found]
        g = g @ parts[i].T
        if i:
            g = np.where(seen[i // 2] > 0, g, 0.2 * g)
    return found, g


generator, discriminator = network(NOISE, WIDTH, WIDTH, 2), network(2, WIDTH, WIDTH, 1)
game = fo.losses.Adversarial("least_squares")
steps = [fo.optimizers.Adam(parts, lr=fo.schedules.Cosine(2e-3, STEPS, end_lr=1e-4), betas=(0.5, 0.99)) for parts in (generator, discriminator)]


def covered(points):
    """Modes, and the share of good points."""
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    good = distance.min(axis=1) < 4 * SPREAD
    return (np.bincount(distance.argmin(axis=1)[good], minlength=8) >= 20).sum(), good.mean()


print(f"{'steps':>6}{'modes':>7}{'good':>7}{'loss of both':>16}")
for step in range(STEPS + 1):
    blur = 0.3 * max(0, 1 - 2 * step / STEPS)
    fake, seen = forward(generator, rng.standard_normal((BATCH, NOISE)))
    real_score, of_real = forward(discriminator, ring(BATCH) + blur * rng.standard_normal((BATCH, 2)))
    fake_score, of_fake = forward(discriminator, fake + blur * rng.standard_normal((BATCH, 2)))
    value, slopes = game.discriminator(real_score, fake_score)
    mine, other = (backward(discriminator, saw, g)[0] for saw, g in zip((of_real, of_fake), slopes))
    steps[1].step([a + b for a, b in zip(mine, other)])

    fake_score, of_fake = forward(discriminator, fake + blur * rng.standard_normal((BATCH, 2)))
    against, slope = game.generator(fake_score)
    steps[0].step(backward(generator, seen, backward(discriminator, of_fake, slope)[1])[0])
    if step % 1500 == 0:
        points = forward(generator, rng.standard_normal((2000, NOISE)))[0]
        modes, good = covered(points)
        print(f"{step:>6}{modes:>5}/8{good:>7.2f}{value:>8.3f}{against:>8.3f}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt
    figure, axis = plt.subplots(figsize=(5, 5), layout="constrained")
    axis.scatter(*ring(2000).T, s=3, label="real")
    axis.scatter(*points.T, s=3, label="made")
    axis.set(aspect="equal")
    axis.legend(loc="center")
    figure.savefig("gan_ring.png", dpi=110)
    print("the picture is gan_ring.png")
