"""The types in the signatures of tables and columns, each under one name.

Used by _data and _cli.  pandas and pyarrow are imported by type checkers only.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import scipy.sparse as sp

#: a column, as _data works on it
ArrowArray: TypeAlias = "pa.Array"
#: a column of whatever holds it
Cells: TypeAlias = "ArrayLike | pa.Array | pa.ChunkedArray | pd.Series"
Frame: TypeAlias = "pd.DataFrame"
#: columns by name
Columns: TypeAlias = "Mapping[str, Cells] | Frame"
#: rows of numbers, dense or CSR
Matrix: TypeAlias = "np.ndarray | sp.csr_matrix"
#: X as a file has it
Table: TypeAlias = "Matrix | Frame"
