"""The types that every module uses, and what type checkers are told that parameters may be.

The names that a parameter takes are written here once more, because a type checker cannot read the
registries; ``tests/test_typing.py`` compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

#: Floating-point numbers of either width.
Array = NDArray[np.floating[Any]]
#: What a layer's input may be: an Array, or a SciPy sparse matrix or array.
Matrix = Any

# ---- names ---------------------------------------------------------------------------------------

AutoName = Literal["auto"]
ActivationName = Literal[
    "identity", "logistic", "tanh", "relu", "leaky_relu",
    "elu", "selu", "gelu", "silu", "softplus",
]  # fmt: skip
InitializerName = Literal[
    "auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"
]  # fmt: skip
OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop"]
NetworkSolverName = Literal[OptimizerName, "lbfgs"]
NeuronSolverName = Literal[OptimizerName, "lbfgs", "newton", "newton-cg"]
ScheduleName = Literal[
    "constant", "invscaling", "exponential", "cosine", "adaptive", "restarts"
]  # fmt: skip
RangeLossName = Literal["squared_error", "binary_cross_entropy"]
ClassLossName = Literal["cross_entropy", "binary_cross_entropy"]
NumberLossName = Literal[
    "squared_error", "absolute_error", "huber", "quantile", "poisson", "binary_cross_entropy"
]
RecordName = Literal["loss", "epoch", "step"]
RecordWidth = Literal["float32", "float64"]
EngineName = Literal["auto", "numpy", "compiled"]
EngineUsed = Literal["numpy", "compiled"]
MiniBatchMode = Literal["local", "synchronous"]
ZipMap = bool | Literal["columns"]
RowUnit = Literal["epoch", "step"]
NodeQuantity = Literal["a", "z", "delta", "bias"]
EdgeQuantity = Literal["W", "dW", "update"]
PlotMethod = Literal["contourf", "contour", "pcolormesh"]
SearchQuantity = Literal["score", "std", "fit_time", "score_time"]

# ---- values --------------------------------------------------------------------------------------

Integer = int | np.integer[Any]
HiddenLayerSizes = Integer | Sequence[Integer] | NDArray[np.integer[Any]]
#: A dict for the classes; for multilabel y a list with one for each label.
ClassWeight = dict[Any, Any] | list[dict[Any, Any]] | Literal["balanced"] | None
TargetRange = AutoName | Sequence[float] | Array
RandomState = int | np.random.RandomState | None
EpochChoice = Literal["auto", "all"] | Integer | Sequence[Integer] | NDArray[np.integer[Any]]

#: An estimator that comes back as what it was.
Same = TypeVar("Same")
