"""Many strengths and folds at once: what problems that differ by a number or by rows share.

Must not know estimators or scores.
"""
