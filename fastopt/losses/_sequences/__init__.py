"""Losses of sequences: of labels whose alignment with the frames is not known (CTC, the transducer), of tokens one by one, and of whole
sequences that a model draws; what they are measured by.  A module a kind, and the loops over samples in the compiled modules beside them.

Used through fastopt.losses.  They are no `Loss`: a target has another shape than its scores, or what is learnt from is a cost.  The mathematics
is in csrc/sequences.
"""
from .ctc import CTC
from .risks import MinimumRisk, SelfCritical, edit_distance
from .tokens import SequenceCrossEntropy, perplexity
from .transducer import Transducer

__all__ = ["CTC", "MinimumRisk", "SelfCritical", "SequenceCrossEntropy", "Transducer", "edit_distance", "perplexity"]
