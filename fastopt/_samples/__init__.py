"""The rows of a data set in the order of training: blocks, epochs, statistics of columns, squared norms of rows.

Owns the random order and the loop over epochs.  Must not know what is learnt from a row.
"""
