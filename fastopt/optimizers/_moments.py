"""Moments in fewer bits, for the optimizers that can: what the arrays of their state are.

Used by the modules of Adam and Lion.  The formats and their arithmetic are in csrc/rules/moments.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from fastopt._common.rules import refuse

from ._base import Array, Optimizer
from ._settings import Params, check

Moments = Literal["bfloat16", "8bit"] | None
#: enum fo_packing of csrc/include/fastopt.h
PACKINGS = {None: 0, "bfloat16": 1, "8bit": 2}
#: elements that share a scale: FO_PACK
PACK = 256


class PackedMoments(Optimizer):
    """An optimizer whose state is at most a first and a second moment, which may be kept in 16 or 8 bits."""

    _of_no_group = ("moments",)
    moments: Moments

    @classmethod
    def _check_together(cls, settings: Mapping[str, Any]) -> None:
        super()._check_together(settings)
        cls._arrays_of(cls._kind(settings), settings["moments"])

    @classmethod
    def _arrays_of(cls, kind: str, moments: Moments) -> tuple[str, ...]:
        """Names of the arrays of state, with moments in so many bits."""
        names = cls.kinds[kind]
        if moments is not None and len(names) > 2:
            refuse("moments", f"None for {kind}, whose state is not moments alone", moments)
        return ("m", "v", "m_scale", "v_scale") if moments == "8bit" else names

    def _build_packed(self, params: Params, settings: dict[str, Any], options: Mapping[str, Any], moments: Moments) -> None:
        self.moments = check("moments", moments)
        self._build(params, settings, options, packing=PACKINGS[self.moments])

    def _state_names(self, kind: str) -> tuple[str, ...]:
        return self._arrays_of(kind, self.moments)

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array | None:
        if self.moments is None:
            return super()._initial(name, w, settings)
        if name.partition("_")[0] not in self.kinds[self._kind(settings)]:
            return None
        if name.endswith("scale"):
            return np.zeros(-(-w.size // PACK), np.float32)
        return np.zeros_like(w, dtype=np.uint8 if self.moments == "8bit" else np.uint16)
