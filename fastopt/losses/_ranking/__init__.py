"""Losses and gains of rankings: documents of queries in the order of their scores.

Owns the convention of queries (`group`, `qid`), the checks, the classes and the loop over queries; the mathematics is in csrc/ranking.  They are no
`Loss`: a query's documents are judged together.
"""
from ._losses import BPR, LambdaRank, ListNet, MarginRanking, PairwiseLogistic, RankingLoss
from ._ndcg import ndcg

__all__ = ["BPR", "LambdaRank", "ListNet", "MarginRanking", "PairwiseLogistic", "RankingLoss", "ndcg"]
