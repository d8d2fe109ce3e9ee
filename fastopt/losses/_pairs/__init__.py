"""Losses of embeddings: of pairs, row i of one array belonging to row i of the other, and of rows with labels.

Owns their checks, classes and the loops over rows; distances and what they cost are in csrc/pairs, products of matrices are BLAS's.  They are no
`Loss`: rows are judged beside each other, and a gradient is one for each input.
"""
from ._arcface import ArcFace
from ._contrastive import InfoNCE, NTXent, PairLoss, SigLIP
from ._labelled import Circle, LabelledLoss, Triplet
from ._matched import ContrastivePair, CosineEmbedding, MatchedLoss

__all__ = ["ArcFace", "Circle", "ContrastivePair", "CosineEmbedding", "InfoNCE", "LabelledLoss", "MatchedLoss", "NTXent", "PairLoss", "SigLIP",
           "Triplet"]
