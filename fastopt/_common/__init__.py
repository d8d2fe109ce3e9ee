"""What all public classes share: checks of parameters, settings and their states, sparse input, pictures, optional packages.

Owns the wording of errors about arguments.  Must not know any loss, rule or estimator.
"""
