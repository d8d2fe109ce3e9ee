"""SGD by mini-batches: where batches end, the share of a thread, steps by the rule of an optimizer.

Must not know estimators.
"""
