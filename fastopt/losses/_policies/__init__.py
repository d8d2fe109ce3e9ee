"""Losses of reinforcement learning: policies, values of states and of actions, sums of rewards to come, advantages.  A module a kind, and the
loops over steps in the compiled module beside them.

Used through fastopt.losses.  They are no `Loss`: what a policy is to learn is its own actions, by how good they turned out to be.  The
mathematics is in csrc/policies.
"""
from .policies import PolicyGradient, PolicyLoss, PPOClip
from .returns import advantages, returns
from .values import DQN, ValueFunction

__all__ = ["DQN", "PPOClip", "PolicyGradient", "PolicyLoss", "ValueFunction", "advantages", "returns"]
