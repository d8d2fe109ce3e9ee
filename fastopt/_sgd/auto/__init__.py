"""optimizer="auto": a loop without a learning rate to choose, on the chunks of the mini-batches.

Must not know estimators.
"""
