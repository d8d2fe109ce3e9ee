"""What all public classes share: rules of parameters, registers of named classes, settings and their states, docstrings,
sparse input, pictures, optional packages.

Owns the wording of errors about arguments.  Must not know any loss, rule or estimator.
"""
