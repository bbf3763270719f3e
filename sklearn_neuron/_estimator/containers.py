"""Containers: what is said of data that the estimators cannot take as they are, or only at a cost.

Everything that NumPy or pandas make, and what converts to it, is left to scikit-learn's validation.
Two kinds are not: arrays of other libraries where scikit-learn is told to compute with these
(``array_api_dispatch``), and collections of Dask, which conversion brings into memory as a whole.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sklearn

from sklearn_neuron._estimator.reporting import warn

#: Types that nothing is said of.
ORDINARY = frozenset({np.ndarray, list, type(None)})
#: Packages whose arrays do not have the standard's method by themselves.
OTHER_ARRAYS = {"torch", "cupy", "jaxlib", "jax"}
#: Packages whose objects are collections of Dask.
COLLECTIONS = {"dask", "dask_expr"}


def check_containers(estimator: Any, method: str, **data: Any) -> None:
    """Raise for arrays of other libraries under dispatch, and warn of collections of Dask.

    Parameters
    ----------
    estimator : estimator
        Whose method is called.
    method : {"fit", "predict"}
        The function of ``sklearn_neuron.dask`` that takes collections.
    **data : object
        What users have given, by the names of the arguments.

    Raises
    ------
    TypeError
        If ``array_api_dispatch`` is set and one of them is an array of another library.
    """
    own = type(estimator).__name__
    if sklearn.get_config()["array_api_dispatch"]:
        for name, values in data.items():
            if is_other_array(values):
                raise TypeError(refusal_of(own, name, values))
    found = [described(name, v) for name, v in data.items() if origin_of(v) in COLLECTIONS]
    if found:
        warn(
            f"{own}: {' and '.join(found)} {'is' if len(found) == 1 else 'are'} brought into "
            f"memory as a whole. sklearn_neuron.dask.{method} works where the partitions are.",
            UserWarning,
        )


def origin_of(values: Any) -> str:
    """Return the name of the package that an object's class is of."""
    return type(values).__module__.partition(".")[0]


def is_other_array(values: Any) -> bool:
    """Return whether it is an array of a library other than NumPy, as the array API has them."""
    if isinstance(values, np.ndarray | np.generic):
        return False
    return origin_of(values) in OTHER_ARRAYS or hasattr(values, "__array_namespace__")


def refusal_of(own: str, name: str, values: Any) -> str:
    """Return the error of an array of another library."""
    how = f"{name}.cpu().numpy()" if origin_of(values) == "torch" else f"numpy.asarray({name})"
    return (
        f"{name} is a {origin_of(values)} {type(values).__name__}, and {own} computes with NumPy "
        f"only, also where array_api_dispatch=True. Pass {how}. To predict on a GPU, convert the "
        "fitted estimator with sklearn_neuron.onnx.to_onnx."
    )


def described(name: str, values: Any) -> str:
    """Return the name of a collection, and its size if that is known."""
    try:
        n_bytes = values.nbytes
    except (AttributeError, NotImplementedError):  # data frames do not know it
        n_bytes = math.nan
    known = isinstance(n_bytes, int | float) and math.isfinite(n_bytes)
    size = f" of {n_bytes / 1e6:.3g} MB" if known else ""
    return f"{name} (a Dask {type(values).__name__}{size})"
