"""Oracles: each piece of mathematics written again, plainly, in NumPy or mpmath.  Never imports fastopt."""
