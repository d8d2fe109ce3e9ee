"""Sums of rewards to come, and what is better than expected, backwards through the steps of many episodes side by side.

Used by fastopt.losses._policy, which checks the arrays.
"""
from fastopt._core.tables cimport real


def discounted(const real[:, ::1] rewards, const real[:, ::1] ends, const real[::1] last, double discount, real[:, ::1] out):
    """out_t = rewards_t + discount·(1 − ends_t)·out_{t+1}, from `last` behind the last step.

    Parameters
    ----------
    rewards, ends, out : contiguous arrays of shape (T, n)
    last : array of shape (n,)
    discount : float
    """
    cdef Py_ssize_t t, i
    cdef real behind, factor = <real>discount
    with nogil:
        for t in range(rewards.shape[0] - 1, -1, -1):
            for i in range(rewards.shape[1]):
                behind = last[i] if t == rewards.shape[0] - 1 else out[t + 1, i]
                out[t, i] = rewards[t, i] + factor * (1 - ends[t, i]) * behind


def better_than_expected(const real[:, ::1] rewards, const real[:, ::1] values, const real[:, ::1] ends, const real[::1] last, double discount,
                         double trace, real[:, ::1] out):
    """out_t = d_t + discount·trace·(1 − ends_t)·out_{t+1}, d_t = rewards_t + discount·(1 − ends_t)·values_{t+1} − values_t.

    Parameters
    ----------
    rewards, values, ends, out : contiguous arrays of shape (T, n)
    last : array of shape (n,)
        Values behind the last step.
    discount, trace : float
    """
    cdef Py_ssize_t t, i
    cdef bint is_last
    cdef real goes_on, surprise, factor = <real>discount, memory = <real>(discount * trace)
    with nogil:
        for t in range(rewards.shape[0] - 1, -1, -1):
            is_last = t == rewards.shape[0] - 1
            for i in range(rewards.shape[1]):
                goes_on = 1 - ends[t, i]
                surprise = rewards[t, i] + factor * goes_on * (last[i] if is_last else values[t + 1, i]) - values[t, i]
                out[t, i] = surprise + (0 if is_last else memory * goes_on * out[t + 1, i])
