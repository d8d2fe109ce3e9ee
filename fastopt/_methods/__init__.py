"""What `minimize` and the solvers share: a run and its result, the user's function, line searches, FISTA.

Must not know any single method's name.
"""
