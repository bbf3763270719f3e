"""Containers: what is done with data that scikit-learn's validation does not take as they are.

Everything that NumPy or pandas make, and what converts to it, is left to that validation. Two kinds
are not: arrays of other libraries where scikit-learn is told to compute with these
(``array_api_dispatch``) are refused, and collections of Dask are brought into memory as a whole,
which is said.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sklearn

from sklearn_neuron._estimator.reporting import warn

#: Types that nothing is done with.
ORDINARY = frozenset({np.ndarray, list, type(None)})
#: Packages whose arrays do not have the standard's method by themselves.
OTHER_ARRAYS = {"torch", "cupy", "jaxlib", "jax"}
#: Packages whose objects are collections of Dask.
COLLECTIONS = {"dask", "dask_expr"}
#: Packages whose tables scikit-learn reads also where it is told to compute with other arrays.
TABLES = {"pandas", "polars", "pyarrow"}


def in_numpy(estimator: Any, method: str, **data: Any) -> dict[str, Any]:
    """Return data as scikit-learn's validation takes them, and say what that costs.

    Parameters
    ----------
    estimator : estimator
        Whose method is called.
    method : {"fit", "predict"}
        The function of ``sklearn_neuron.dask`` that takes collections.
    **data : object
        What users have given, by the names of the arguments.

    Returns
    -------
    data : dict
        The same, with collections in memory.

    Raises
    ------
    TypeError
        If ``array_api_dispatch`` is set and one of them is an array of another library.
    """
    taken = {name: values for name, values in data.items() if type(values) not in ORDINARY}
    for name, values in taken.items():
        refuse_other_array(name, values)
    found = [described(name, v) for name, v in taken.items() if origin_of(v) in COLLECTIONS]
    if found:
        warn(
            f"{type(estimator).__name__}: {' and '.join(found)} "
            f"{'is' if len(found) == 1 else 'are'} brought into memory as a whole. "
            f"sklearn_neuron.dask.{method} works where the partitions are.",
            UserWarning,
        )
    return data | {name: converted(values) for name, values in taken.items()}


def converted(values: Any) -> Any:
    """Return what an argument holds as scikit-learn's validation takes it."""
    if origin_of(values) in COLLECTIONS:
        return values.compute()
    dispatch = sklearn.get_config()["array_api_dispatch"]
    if dispatch and hasattr(values, "__array__") and not is_understood(values):
        return np.asarray(values)  # what only converts is then refused by scikit-learn
    return values


def refuse_other_array(name: str, values: Any) -> None:
    """Raise a TypeError if scikit-learn would compute with an array of a library other than NumPy.

    Without ``array_api_dispatch`` it converts it.
    """
    if not sklearn.get_config()["array_api_dispatch"] or not is_other_array(values):
        return
    how = f"numpy.asarray({name})"
    if origin_of(values) == "torch":
        how = f"{name}{'.detach()' if values.requires_grad else ''}.cpu().numpy()"
    kind = f"{origin_of(values)}.{type(values).__name__}"
    raise TypeError(
        f"{name} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, and the estimators of "
        f"sklearn_neuron compute with NumPy only, also where array_api_dispatch=True. Pass {how}. "
        "To predict on a GPU, convert the fitted estimator with sklearn_neuron.onnx.to_onnx."
    )


def origin_of(values: Any) -> str:
    """Return the name of the package that an object's class is of."""
    return type(values).__module__.partition(".")[0]


def is_other_array(values: Any) -> bool:
    """Return whether it is an array of a library other than NumPy, as the array API has them."""
    if isinstance(values, np.ndarray | np.generic) or origin_of(values) in COLLECTIONS:
        return False
    return origin_of(values) in OTHER_ARRAYS or hasattr(values, "__array_namespace__")


def is_understood(values: Any) -> bool:
    """Return whether scikit-learn takes what converts to an array also under dispatch."""
    origins = {kind.__module__.partition(".")[0] for kind in type(values).__mro__}
    return isinstance(values, np.ndarray | np.generic) or not origins.isdisjoint(TABLES)


def described(name: str, values: Any) -> str:
    """Return the name of a collection, and its size if that is known."""
    try:
        n_bytes = values.nbytes
    except (AttributeError, NotImplementedError):  # data frames do not know it
        n_bytes = math.nan
    known = isinstance(n_bytes, int | float) and math.isfinite(n_bytes)
    size = f" of {n_bytes / 1e6:.3g} MB" if known else ""
    return f"{name} (a Dask {type(values).__name__}{size})"
