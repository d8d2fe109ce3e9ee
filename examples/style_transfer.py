"""A photograph of a temple painted in the style of one of a flower, by gradients of the pixels alone: no network is trained.

What an image looks like is told by edges: sixteen filters, Gabor functions in eight directions and two widths, over the colours of the image and over
that of half its size.  The content is where edges are, the style what edges and colours do together (Gram matrices), and total variation keeps the
result smooth.  Their gradients go back through the filters into the pixels, which L-BFGS moves.
Needs scikit-learn and Pillow.  Runs in half a minute:  python examples/style_transfer.py [--plot]
"""
import sys

import numpy as np
from scipy.signal import fftconvolve
from sklearn.datasets import load_sample_image

import fastopt as fo

SIDE = 96
CONTENT, STYLE, SMOOTH = (0.02, 0.01), (4e6, 4e6), 1e-3


def photograph(name, top, left, side):
    """A square of it, (3, SIDE, SIDE), 0 … 1."""
    step = side // SIDE
    cut = load_sample_image(name)[top:top + side, left:left + side] / 255
    return cut[:SIDE * step, :SIDE * step].reshape(SIDE, step, SIDE, step, 3).mean(axis=(1, 3)).transpose(2, 0, 1)


def gabor(angle, width):
    """A wave under a bell."""
    y, x = np.mgrid[-5:6, -5:6]
    along = x * np.cos(angle) + y * np.sin(angle)
    wave = np.exp(-(x**2 + y**2) / (2 * width**2)) * np.sin(along * 1.8 / width)
    return wave / np.abs(wave).sum()


FILTERS = [gabor(angle, width) for width in (1.2, 2.4) for angle in np.arange(8) * np.pi / 8]
GREY = np.array([0.3, 0.59, 0.11])


def halved(image):
    return image.reshape(len(image), image.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4))


def layer(image):
    """Feature maps: the sizes of edges in each direction, softly, and the colours."""
    grey = np.tensordot(GREY, image, 1)
    edges = np.stack([fftconvolve(grey, f, mode="same") for f in FILTERS])
    return np.concatenate([np.sqrt(edges**2 + 1e-4), 0.3 * image]), edges


def back(gradient, edges):
    """The gradient in the image, from that in its feature maps."""
    in_edges = gradient[:len(FILTERS)] * edges / np.sqrt(edges**2 + 1e-4)
    in_grey = sum(fftconvolve(g, f[::-1, ::-1], mode="same") for g, f in zip(in_edges, FILTERS))
    return 0.3 * gradient[len(FILTERS):] + GREY[:, None, None] * in_grey


content, style = photograph("china.jpg", 0, 150, 384), photograph("flower.jpg", 20, 130, 384)
wanted = [layer(image)[0] for image in (content, halved(content))]
content_loss, style_loss = fo.losses.ContentStyle(CONTENT, (0.0, 0.0)), fo.losses.ContentStyle((0.0, 0.0), STYLE)
grams = [style_loss.gram(layer(image)[0]) for image in (style, halved(style))]
variation, ssim = fo.losses.TotalVariation(eps=1e-3), fo.losses.SSIM()


def terms(image):
    """Content, style and total variation, and the gradient of their sum."""
    maps = [layer(each) for each in (image, halved(image))]
    features = [found for found, _ in maps]
    parts, total = [], 0
    for value, gradients in (content_loss.value_and_gradient(wanted, (None, None), features),
                             style_loss.value_and_gradient((None, None), grams, features)):
        whole, half = (back(gradient, edges) for gradient, (_, edges) in zip(gradients, maps))
        parts.append(value)
        total = total + whole + half.repeat(2, axis=1).repeat(2, axis=2) / 4
    value, gradient = variation.value_and_gradient(image)
    return (*parts, SMOOTH * value), total + SMOOTH * gradient


def fun(x):
    parts, gradient = terms(x.reshape(content.shape))
    return sum(parts), gradient.ravel()


noise = np.random.default_rng(0).random(content.shape)
x = noise.ravel()
print(f"{'iterations':>10}{'content':>10}{'style':>10}{'variation':>11}{'SSIM to the photograph':>25}")
done = 0
for more in (0, 20, 60, 160):
    if more:
        x = fo.minimize(fun, x, method="lbfgs", jac=True, options={"maxiter": more}).x
    done += more
    image = x.reshape(content.shape)
    shown = "".join(f"{part:>{width}.3f}" for part, width in zip(terms(image)[0], (10, 10, 11)))
    print(f"{done:>10}{shown}{1 - ssim.value(content, image):>25.3f}")

if "--plot" in sys.argv:
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.3), layout="constrained")
    for axis, title, each in zip(axes, ("content", "style", "result"), (content, style, image)):
        axis.imshow(np.clip(each, 0, 1).transpose(1, 2, 0))
        axis.set(title=title, xticks=[], yticks=[])
    figure.savefig("style_transfer.png", dpi=110)
    print("the picture is style_transfer.png")
