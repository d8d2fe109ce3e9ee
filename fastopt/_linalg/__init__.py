"""Linear algebra for both element types: BLAS without the GIL, factors, the memory of L-BFGS and its compact form.

Must not know objectives: vectors and matrices come in, vectors and matrices go out.
"""
