"""optimizer="auto" written again, plainly, as docs/auto.md specifies it: whole arrays, true weights at every step, in float64.

The oracle of the tests of the engine; never imports fastopt.
"""
import numpy as np
import scipy.sparse as sp

from reference.losses import PLAIN

STATISTICS_ROWS = 1024   # rows of a block of statistics
TRUST_ROWS = 64          # rows after which the step is half of what many rows would allow
DECAY = 8                # an average gives step s the weight of about s^DECAY
STEEP = ("poisson", "gamma", "tweedie", "negative_binomial")   # gradients grow exponentially
LOG_LINK = (*STEEP, "mean_squared_log_error")
SHARE = ("log_loss", "focal", "binary_cross_entropy", "poly")
MARGIN = (*SHARE, "hinge", "squared_hinge", "smooth_hinge", "modified_huber", "perceptron", "exponential")


class Columns:
    """Running statistics of the columns of X: weighted mean, and the sums of |x − c| and (x − c)² of the scales.

    The centre c is the running mean; 0 for CSR, and for models without an intercept.
    """

    def __init__(self, d, centred):
        self.rows, self.weight, self.centred = 0, 0.0, centred
        self.mean, self.sum1, self.sum2 = np.zeros(d), np.zeros(d), np.zeros(d)
        self.origin = None

    def add(self, X, weight):
        for start in range(0, X.shape[0], STATISTICS_ROWS):
            self._add_block(X[start:start + STATISTICS_ROWS], weight[start:start + STATISTICS_ROWS])

    def _add_block(self, X, weight):
        total = weight.sum()
        self.rows += np.count_nonzero(weight)
        if total == 0:
            return
        self.weight += total
        X = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=float)
        if self.origin is None:   # means are taken from a first row on, so that a constant column has deviations of exactly 0
            self.origin = X[np.flatnonzero(weight)[0]] if self.centred else np.zeros(X.shape[1])
            self.mean[:] = self.origin
        mean = self.origin + weight @ (X - self.origin) / total
        self.mean += total / self.weight * (mean - self.mean)
        away = X - self.centre
        self.sum1 += weight @ np.abs(away)
        self.sum2 += weight @ away**2

    @property
    def centre(self):
        return self.mean if self.centred else np.zeros_like(self.mean)

    @property
    def inverse_scale(self):
        """r = Σ|x − c| / Σ(x − c)², 0 for a column that does not vary."""
        return np.divide(self.sum1, self.sum2, out=np.zeros_like(self.sum1), where=self.sum2 > 0)

    @property
    def uncentred(self):
        """κ = Σ_j |mean_j − c_j|·r_j: as how many intercepts the columns act together."""
        return float(np.abs(self.mean - self.centre) @ self.inverse_scale)


class Targets:
    """Running mean, deviation (from the mean, or from 0 without an intercept) and range of the targets; (k,) each."""

    def __init__(self, k, centred):
        self.weight, self.centred, self.mean, self.squares = 0.0, centred, np.zeros(k), np.zeros(k)
        self.low, self.high = np.full(k, np.inf), np.full(k, -np.inf)

    def add(self, Y, weight):
        total = weight.sum()
        if total == 0:
            return
        Y = Y[weight > 0], weight[weight > 0]
        mean = Y[0][0] + Y[1] @ (Y[0] - Y[0][0]) / total
        self.squares += Y[1] @ (Y[0] - mean) ** 2 + total * self.weight / (total + self.weight) * (mean - self.mean) ** 2
        self.weight += total
        self.mean += total / self.weight * (mean - self.mean)
        positive = np.where(Y[0] > 0, Y[0], np.inf)
        self.low, self.high = np.minimum(self.low, positive.min(axis=0)), np.maximum(self.high, Y[0].max(axis=0))

    @property
    def deviation(self):
        variance = self.squares / self.weight if self.weight else np.zeros_like(self.mean)
        return np.sqrt(variance + (0 if self.centred else self.mean**2))


class Auto:
    """The state of a fit: k rows of raw weights w, intercepts b at the centre of the columns, sums of squares of the
    standardised gradients, and averages.

    Parameters
    ----------
    loss, params : str, dict
    d, k : int
    alpha, l1_ratio : float
    batch : int
    fit_intercept, dense, classifies : bool
    """

    def __init__(self, loss, d, k, params=(), alpha=1e-4, l1_ratio=0.0, batch=32, fit_intercept=True, dense=True,
                 classifies=False):
        self.loss, self.params, self.alpha, self.l1_ratio = loss, dict(params), alpha, l1_ratio
        self.batch, self.fit_intercept, self.classifies = batch, fit_intercept, classifies or loss in MARGIN
        self.columns, self.targets, self.t = Columns(d, dense and fit_intercept), Targets(k, fit_intercept), 0
        self.w, self.b, self.w_avg, self.b_avg = np.zeros((k, d)), np.zeros(k), np.zeros((k, d)), np.zeros(k)
        self.V, self.V_b = np.zeros((k, d)), np.zeros(k)
        self.pending = np.zeros(d, dtype=int)   # steps whose penalty a column has not had

    def observe(self, X, Y, weight=None):
        """Take notice of rows before learning from them; predictions stay as they are."""
        weight = np.ones(X.shape[0]) if weight is None else np.asarray(weight, dtype=float)
        first, before = self.columns.weight == 0, self.columns.centre.copy()
        self.columns.add(X, weight)
        self.targets.add(np.asarray(Y, dtype=float), weight)
        if self.fit_intercept:
            moved = self.columns.centre - before
            self.b += self.w @ moved
            self.b_avg += self.w_avg @ moved
            if first and not self.classifies and not self.b.any() and not self.w.any():
                self.b[:] = self._constant()
        return self

    def _constant(self):
        """The intercept to start from: the mean of the targets behind the link."""
        if self.loss in LOG_LINK:
            return np.log(np.where(self.targets.mean > 0, self.targets.mean, 1))
        return self.targets.mean

    def _units(self):
        """(k,) units of predictions, and the slope of the loss at an error of one unit."""
        if self.loss in MARGIN or self.loss in LOG_LINK:
            return np.ones(len(self.b)), np.ones(len(self.b))
        unit = np.ones(len(self.b)) if self.classifies else self.targets.deviation
        slope = np.abs(PLAIN[self.loss](np.zeros_like(unit), unit, **self.params)[1])
        return unit, np.where(slope > 0, slope, 1)

    def _cut(self, p):
        """Predictions as the loss sees them: where gradients grow exponentially, no further than anything that was seen."""
        if self.loss in STEEP:
            low = np.where(np.isfinite(self.targets.low), self.targets.low, 1)
            return np.clip(p, np.log(low) - 1, np.log(np.maximum(self.targets.high, low)) + 1)
        if self.loss == "exponential":
            most = 1 + 0.5 * np.log(max(self.columns.rows, 1))
            return np.clip(p, -most, most)
        return p

    def epoch(self, X, Y, order, weight=None, class_weight=None):
        """Learn from rows once, in this order; the mean loss in its unit, of each output."""
        total, n = np.zeros(len(self.b)), len(order)
        for start in range(0, n, self.batch):
            rows = order[start:start + self.batch]
            scale = np.ones((len(rows), 1)) if weight is None else np.asarray(weight, dtype=float)[rows, None]
            if class_weight is not None:   # (k, 2): of the output's class and of the others
                scale = scale * np.where(Y[rows] > 0, class_weight[:, 0], class_weight[:, 1])
            total += self._step(X[rows], np.asarray(Y[rows], dtype=float), scale)
        self._penalise(np.ones_like(self.pending, dtype=bool))
        unit, slope = self._units()
        return total / n / np.where(unit > 0, unit * slope, 1)

    def _rate(self):
        """η, (k,): the step of a coordinate whose sum of squares of gradients is 1, in the units of predictions."""
        columns = self.columns
        return self._units()[0] * columns.rows / (columns.rows + TRUST_ROWS) / (1 + columns.uncentred)

    def _step(self, X, Y, scale):
        """One batch; the sum of the losses before it."""
        columns, self.t = self.columns, self.t + 1
        touched = np.ones(X.shape[1], dtype=bool)
        if sp.issparse(X):
            touched = np.bincount(X.indices, minlength=X.shape[1]) > 0
            X = X.toarray()
        away = np.where(touched, X - columns.centre, 0)
        p = self._cut(away @ self.w.T + self.b)
        values, slopes = PLAIN[self.loss](Y, p, **self.params)
        slopes = slopes * scale / len(X) / self._units()[1]
        u, u_b = slopes.T @ away * columns.inverse_scale, slopes.sum(axis=0)
        self.V += u**2
        self.V_b += u_b**2 * self.fit_intercept
        self.w -= self._steps(self.V) * u * columns.inverse_scale
        self.b -= self._steps(self.V_b[:, None])[:, 0] * u_b * self.fit_intercept
        self.pending += 1
        self._penalise(touched)
        share = (DECAY + 1) / (self.t + DECAY)
        self.w_avg += share * (self.w - self.w_avg)
        self.b_avg += share * (self.b - self.b_avg)
        return (values * (np.asarray(scale) != 0)).sum(axis=0)

    def _steps(self, V):
        """h = η/√V, 0 where nothing was learnt."""
        return self._rate()[:, None] * np.divide(1, np.sqrt(V), out=np.zeros_like(V), where=V > 0)

    def _penalise(self, columns):
        """The proximal step of the penalty for all steps that these columns have pending: l1, then l2."""
        h, m, r, unit = self._steps(self.V), self.pending, self.columns.inverse_scale, self._units()[0][:, None]
        l1, l2 = self.l1_ratio * self.alpha, (1 - self.l1_ratio) * self.alpha
        w = np.sign(self.w) * np.maximum(np.abs(self.w) - m * h * l1 * r, 0)
        w = w / (1 + h * np.divide(l2, unit, out=np.zeros_like(unit), where=unit > 0)) ** m
        self.w[:, columns] = w[:, columns]
        self.pending[columns] = 0

    def result(self):
        """Weights (k, d) and intercepts (k,) of the averages, for raw X."""
        return self.w_avg, self.b_avg - self.w_avg @ self.columns.centre


def epochs(n, max_iter):
    """Passes over n rows: ten, and more over few rows."""
    return min(max_iter, max(10, -(-50_000 // n)))


def fit(X, Y, loss, seed=0, max_iter=1000, weight=None, **settings):
    """An Auto after a whole fit; Y (n, k)."""
    auto = Auto(loss, X.shape[1], Y.shape[1], dense=not sp.issparse(X), **settings).observe(X, Y, weight)
    rng = np.random.default_rng(seed)
    for _ in range(epochs(X.shape[0], max_iter)):
        auto.epoch(X, Y, rng.permutation(X.shape[0]), weight)
    return auto
