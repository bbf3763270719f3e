"""Extras: optional packages, imported when used."""

from __future__ import annotations

import importlib
from typing import Any

#: The packages that each extra installs, as pip takes them.
PACKAGES = {
    "plot": "matplotlib",
    "journal": "pandas",
    "dask": "'dask[array,dataframe]' distributed",
    "onnx": "onnx skl2onnx",
}
#: The extra that each package belongs to.
EXTRAS = {
    "matplotlib": "plot",
    "mpl_toolkits": "plot",
    "pandas": "journal",
    "dask": "dask",
    "distributed": "dask",
    "onnx": "onnx",
    "skl2onnx": "onnx",
}


def require(module: str, user: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module, such as ``"matplotlib.pyplot"``.
    user : str
        The name of the caller that requires the module, for the error message.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    ImportError
        If the package is not installed; the message says how to install it.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRAS[package]
        raise ImportError(
            f"{user} needs {package}, which is not installed. You can install it with "
            f"`pip install {PACKAGES[extra]}`, or in a clone of this package with "
            f"`pip install '.[{extra}]'`."
        ) from error
