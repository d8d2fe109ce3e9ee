"""fit of the estimators that cross-validate, which in scikit-learn hands further arguments to the splitter and the scorer.

Used by those estimators, as a mixin before their base.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .docs import arguments
from .sklearn import refuse_metadata, with_callbacks

if TYPE_CHECKING:
    from typing import Self


class Routes:
    """fit with further arguments, which are refused in scikit-learn's words."""

    @with_callbacks
    @arguments
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Learn from data.

        Parameters
        ----------
        [arguments]
        **params
            None: nothing is routed to splitters and scorers.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not as described; the message names it.
        """
        refuse_metadata(params, self, "fit")
        return self._fit(X, y, sample_weight)   # type: ignore[attr-defined,no-any-return]
