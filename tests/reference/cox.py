"""The partial likelihood of Cox's proportional hazards and concordance, subject by subject: the oracle of the kernels.  Never imports
fastopt."""
import numpy as np


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
