"""SGD per sample: the run, its outputs, predictions, and rows of few values over the columns that they touch.

Must not know batches.
"""
