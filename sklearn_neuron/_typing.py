"""The types that every module uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Floating-point numbers of either width.
Array = NDArray[np.floating[Any]]
#: What a layer's input may be: an Array, or a SciPy sparse matrix or array.
Matrix = Any
