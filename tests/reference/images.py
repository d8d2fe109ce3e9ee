"""Losses of images in plain NumPy and SciPy.  Never imports fastopt."""
import numpy as np
import scipy.ndimage


def ssim(y, p, data_range=1.0, window=11, sigma=1.5):
    """1 − the mean similarity of two planes (H, W), as scikit-image's structural_similarity with gaussian_weights=True and
    use_sample_covariance=False: filtered everywhere, then cut to the places where the window is inside."""
    def mean(x):
        return scipy.ndimage.gaussian_filter(x, sigma, radius=window // 2)
    ux, uy = mean(p), mean(y)
    a, b = p - p.mean(), y - y.mean()   # neither variances nor the covariance feel it
    vx, vy, cov = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2, mean(a * b) - mean(a) * mean(b)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * ux * uy + c1) * (2 * cov + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
    pad = window // 2
    return 1 - similarity[pad:len(p) - pad, pad:p.shape[1] - pad].mean()


def total_variation(p, isotropic, eps):
    """Of a plane."""
    right, down = np.zeros_like(p), np.zeros_like(p)
    right[:, :-1], down[:-1] = np.diff(p, axis=1), np.diff(p, axis=0)
    if isotropic:
        return (np.sqrt(right**2 + down**2 + eps**2) - eps).sum()
    return (np.sqrt(right**2 + eps**2) - eps).sum() + (np.sqrt(down**2 + eps**2) - eps).sum()


def content_style(content, grams, p, content_weights, style_weights):
    """Of the maps of one image, a layer each; Gatys et al. 2016, equations 1, 4 and 5, with Gram matrices over the number of pixels."""
    total = 0.0
    for f, wanted, gram, a, b in zip(p, content, grams, content_weights, style_weights):
        c, m = len(f), f[0].size
        found = np.einsum("ihw,jhw->ij", f, f) / m
        total += a * ((f - wanted) ** 2).sum() / 2 + b * ((found - gram) ** 2).sum() / (4 * c**2)
    return total
