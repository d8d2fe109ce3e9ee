"""Files and frames to arrays: formats, cells, a schema that is learnt once and kept with the model.

Owns all reading of tables.  Must not know models.
"""
