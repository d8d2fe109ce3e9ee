"""Files and data frames to arrays: file formats, cells, and a schema that is learnt once and saved with the model.

Owns all reading of tables.  Must not know models.
"""
