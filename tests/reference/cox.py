"""The partial likelihood of Cox's proportional hazards and concordance, subject by subject: the oracle of the kernels.  Never imports
fastopt."""
import mpmath as mp
import numpy as np

#: nine subjects with weights, of which three have the event at the same time, beside one who is censored then; T. M. Therneau and P. M. Grambsch
#: (2000), Modeling survival data: extending the Cox model, and the tests of R's survival: times, events, x, weights
WEIGHTED = ([1, 1, 2, 2, 2, 2, 3, 4, 5], [1, 0, 1, 1, 1, 0, 0, 1, 0], [2, 0, 1, 1, 0, 1, 0, 1, 0], [1, 2, 3, 4, 3, 2, 1, 2, 1])


def _by_hand(beta, ties):
    """Of WEIGHTED at risks r^x, r = exp(beta): r, and at each time with events the mean weight of these and the shares of its steps."""
    r = mp.exp(beta)
    dying, others = 7 * r + 3, 4 * r + 2
    gone = [mp.mpf(step) / 3 if ties == "efron" else mp.mpf(0) for step in range(3)]
    return r, [(1, [r ** 2 + 11 * r + 7]), (mp.mpf(10) / 3, [others + (1 - g) * dying for g in gone]), (2, [2 * r + 1])], gone


def by_hand(beta, ties):
    """−log of the partial likelihood of WEIGHTED, worked out: the weights of events times x are 2 + 3 + 4 + 2."""
    _, times, _ = _by_hand(beta, ties)
    return sum(weight * mp.log(share) for weight, shares in times for share in shares) - 11 * beta


def residuals_by_hand(beta, ties):
    """The martingale residuals: the event less what the hazards up to the end of the subject add up to."""
    r, times, gone = _by_hand(beta, ties)
    (first,), second, (third,) = ([weight / share for share in shares] for weight, shares in times)
    dying, alive = first + sum(h * (1 - g) for h, g in zip(second, gone)), first + sum(second)
    hazards = [first, first, dying, dying, dying, alive, alive, alive + third, alive + third]
    return [event - r ** x * hazard for event, x, hazard in zip(WEIGHTED[1], WEIGHTED[2], hazards)]


def losses(time, event, p, ties="efron", weight=None, strata=None):
    """The loss of each subject, O(n²); of Efron's ties each has its weight's share of the mean weight times the logarithms."""
    n = len(time)
    weight = np.ones(n) if weight is None else np.asarray(weight, float)
    strata = np.zeros(n) if strata is None else np.asarray(strata)
    found = np.zeros(n)
    for i in range(n):
        if not event[i] or weight[i] == 0:
            continue
        at_risk = [j for j in range(n) if time[j] >= time[i] and strata[j] == strata[i] and weight[j] > 0]
        dying = [j for j in at_risk if time[j] == time[i] and event[j]]
        steps = np.arange(len(dying)) / len(dying) if ties == "efron" else np.zeros(len(dying))
        top = max(p[j] for j in at_risk)
        risk, gone = (sum(weight[j] * np.exp(p[j] - top) for j in group) for group in (at_risk, dying))
        found[i] = weight[i] * (top + np.mean(np.log(risk - steps * gone)) - p[i])
    return found


def concordance(time, event, p):
    """Of all pairs (i, j) of which i is known to be first, O(n²): the share with the larger score for i, equal scores counting half."""
    time, event, p = np.asarray(time), np.asarray(event, bool), np.asarray(p)
    known = event[:, None] & ((time[:, None] < time) | (time[:, None] == time) & ~event)
    concordant, equal = (int(np.sum(known & same)) for same in (p[:, None] > p, p[:, None] == p))
    return (concordant + equal / 2) / int(known.sum())
