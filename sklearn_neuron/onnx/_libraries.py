"""Optional packages: imported when used, with an error that says how to get them."""

from __future__ import annotations

import importlib
from typing import Any


def library(module: str, user: str) -> Any:
    """Import a module of onnx or skl2onnx.

    Parameters
    ----------
    module : str
        Name of the module, such as ``"onnx.helper"``.
    user : str
        The name of the caller that needs the module, for the error message.

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
        raise ImportError(
            f"{user} needs {package}, which is not installed. You can install it with "
            "`pip install onnx skl2onnx`, or, in a clone of this package, with "
            "`pip install '.[onnx]'`."
        ) from error
