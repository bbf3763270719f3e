"""Extras: optional packages, imported when used."""

from __future__ import annotations

import importlib
from typing import Any

#: The extra that installs each package.
EXTRAS = {
    "matplotlib": "plot",
    "mpl_toolkits": "plot",
    "pandas": "journal",
    "dask": "dask",
    "distributed": "dask",
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
        If the package is not installed; the message names the extra to install.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{user} needs {package}, which is not installed. "
            f"You can install it with `pip install 'sklearn-neuron[{EXTRAS[package]}]'`."
        ) from error
