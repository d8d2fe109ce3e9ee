"""fit of the estimators that cross-validate, which in scikit-learn hands further arguments to the splitter and the scorer.

Used by those estimators, as a mixin before their base.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .docs import arguments
from .sklearn import refuse_metadata, with_callbacks
from .types import Features, SampleWeight, TargetValues

if TYPE_CHECKING:
    from typing import Self


class Routes:
    """fit with further arguments, which are refused in scikit-learn's words."""

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, **params: Any) -> Self:
        """Learn from data.

        [arguments]
        **params
            None: nothing is routed to splitters and scorers.

        [self]

        [raises]
        """
        refuse_metadata(params, self, "fit")
        return self._fit(X, y, sample_weight)   # type: ignore[attr-defined,no-any-return]
